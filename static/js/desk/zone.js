// Tells the admin in which time zone its editor is; the next page shows times in it.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:" ? "; Secure" : "";
if (zone) document.cookie = `zone=${zone}; path=/admin/; max-age=31536000; SameSite=Lax${secure}`;
