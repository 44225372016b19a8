// The words that suggested codes are made of: short, plain, easy to say over a bad telephone line, and harmless in any order.

const words = (text) => Object.freeze(text.trim().split(/\s+/));

export const ADJECTIVES = words(`
  able agile airy amber ample apt aqua arctic autumn avid azure basic beige big blue bold bonny brave breezy brief bright brisk
  bronze brown busy calm candid careful cedar cheery chief civil classic clean clear clever cloudy coastal copper coral cosy
  cotton crimson crisp crystal curious curly daily dainty dapper daring dawn dear deep deft dewy direct double dreamy dusky
  eager early earnest easy ebony elegant emerald epic even fabled fair famous fancy fast fearless fine firm first floral fluent
  fluffy fond formal fragrant frank free fresh friendly frosty gallant gentle giant gifted glad gleaming glossy golden good
  graceful grand grateful great green handy happy hardy hazel hearty helpful hidden high honest humble icy ideal indigo inner
  ivory jade jaunty jolly jovial joyful keen kind large lasting late lavish leafy lemon level light lilac lime linen little
  lively local loyal lucid lucky lunar major maple maroon marble mellow merry mighty mild mint misty modern modest mossy neat
  nimble noble noted novel olive open orange orderly pastel patient peach pearly pink placid plain playful pleasant plucky
  polar polite prime proud pure purple quick quiet rapid rare ready red regal rosy royal ruby rustic sandy scarlet serene
  sharp shiny silent silky silver simple sleek smart smooth snowy snug`);

export const ANIMALS = words(`
  adder albatross alpaca anchovy ant anteater antelope armadillo auk avocet badger barbel bat beagle bear beaver bee beetle
  bison bittern blackbird boar bobcat bonobo buffalo bulldog bullfinch bunny bustard butterfly buzzard camel canary capybara
  caribou carp cat catfish chaffinch chamois cheetah chicken chipmunk cicada clam cod colibri collie condor coot corgi
  cormorant cougar cow coyote crab crane cricket crow cuckoo curlew deer dingo dipper dog dolphin donkey dormouse dove
  dragonfly duck dunlin eagle eel egret eider eland elephant elk emu falcon ferret finch firefly flamingo flounder fox frog
  gannet gazelle gecko gerbil gibbon giraffe gnu goat godwit goldfinch goose gopher goshawk grebe greyhound grouse gull guppy
  haddock halibut hamster hare harrier hawk hedgehog heron herring hippo hoopoe horse hound husky ibex ibis iguana impala
  jackal jackdaw jaguar jay kangaroo kestrel kingfisher kite kiwi koala koi lamb lapwing lark lemming lemur leopard limpet
  linnet lion lizard llama lobster lynx macaw mackerel magpie mallard manatee marlin marmot marten martin meerkat merlin
  minnow mole mongoose moorhen moose moth mouse mule narwhal newt nightjar ocelot octopus okapi oriole osprey ostrich otter
  owl ox oyster panda panther parrot partridge peacock pelican penguin perch petrel pheasant pigeon pike plover pony poodle
  porcupine possum puffin puma`);

export const VERBS = words(`
  admires adores airs aligns amends answers arranges asks awaits bakes balances bends binds boards borrows bounces brings
  browses brushes builds buttons buys calls captures carries carves casts catches charts chases checks cheers chooses clasps
  cleans clears climbs clips collects colours combines compares cooks copies counts covers crafts creates crosses decks
  defends delivers designs dips discovers displays doubles drafts drags draws dries drives earns edits embraces enjoys enters
  eyes fastens feeds fetches files fills finds finishes fixes flips floats folds follows frames gathers gets gives glues
  grabs greets grows guards guesses guides handles hangs has heats helps hides hoists holds hooks hugs imports improves
  invents irons joins judges juggles jumps keeps knits knows labels laces lands launches leads leaves lends lifts lights
  likes lines lists loads locks loves lowers mails makes maps marks matches measures meets melts mends minds misses mixes
  models moulds mounts moves names needs nets notes notices numbers offers oils opens orders owns packs paints passes pastes
  patches pays peels picks piles pins pitches places plans plants plays points polishes posts pours praises presents presses
  prints prizes pulls pushes puts quotes racks raises reads recalls repairs rescues rests returns rides rings rinses rolls
  rows saves scans seals seeks sees selects sells sends serves sets sews shakes shapes shares shelves shifts shines shows
  sketches slides smells solves sorts spins spots stacks`);

export const THINGS = words(`
  acorns albums almonds anchors apples apricots aprons arches arrows badges bagels balls bananas bands banners barrels
  baskets beads beams beans bells belts benches berries bikes biscuits blankets blocks boats books boots bottles bowls boxes
  bracelets branches bricks bridges brooms brushes buckets buckles bulbs bunches buns buoys buttons cabins cakes candles
  canoes capes caps cards carpets carrots carts castles chairs chalks charms cherries chimes clocks clouds clovers coats
  coconuts coins combs cones cookies corks crayons crowns cubes cups curtains cushions daisies desks dials dice dishes dolls
  domes doors drums easels eggs engines feathers fences ferns fiddles figs flags flasks flowers flutes forks fountains frames
  gardens gates gears gems globes gloves grapes guitars hammers hammocks handles harps hats hearts hedges helmets hills hooks
  hoops horns houses islands jackets jars jewels jugs kayaks kettles keys kites knots ladders ladles lakes lamps lanterns
  laurels leaves lemons lenses letters lilies limes logs loops lutes magnets maps marbles masks mats meadows medals melons
  mirrors mittens moons mosaics mugs napkins needles nests nets notes nuts oars oats olives onions oranges orchids ovens
  paddles pages paints pans papers parcels paths peaches peanuts pearls pears pebbles pencils pens petals phones piers pies
  pillows pines pipes pizzas plates plums pockets poems ponds poppies portraits posters potatoes pots prisms puzzles quilts
  radios rafts rakes ramps ribbons rings rivers robes rockets roofs ropes roses rugs sails`);
