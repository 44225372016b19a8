"""Static files under names that carry a hash of their content, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites the imports of ES modules; a cycle or a missing module fails `collectstatic`."""

    support_js_module_import_aggregation = True
    # One pass for each step of the longest chain of imports, when files happen to be read in the worst order. Only a cycle needs all.
    max_post_process_passes = 20
