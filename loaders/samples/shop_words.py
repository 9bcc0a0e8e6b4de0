"""The words of the shop example: departments, leaf categories, brands, and how a shop talks about its wares."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["AUDIENCES", "BOUGHT_AGAIN", "BRANDS", "COLOURS", "GROUPS", "MIDDLES", "OPENINGS", "PRAISE", "SEASON"]


class Group(NamedTuple):
    department: str
    name: str
    uses: tuple[str, ...]
    leaves: tuple[str, ...]  # category | what one is called | usual price | sizes | materials


GROUPS = (
    Group(
        "Tools", "Power Tools",
        ("fitting kitchen cabinets", "building a deck", "renovating old furniture", "laying floorboards"),
        ("Cordless Drills|cordless drill|95|12 V,18 V,20 V|magnesium,glass-filled nylon,aluminium",
         "Circular Saws|circular saw|130|1200 W,1400 W,1800 W|magnesium,aluminium,glass-filled nylon",
         "Orbital Sanders|orbital sander|70|240 W,300 W,450 W|glass-filled nylon,aluminium,recycled plastic",
         "Heat Guns|heat gun|45|1600 W,2000 W|glass-filled nylon,stainless steel,recycled plastic"),
    ),
    Group(
        "Tools", "Hand Tools",
        ("hanging shelves", "framing a wall", "repairs around the house", "building flat-pack furniture"),
        ("Claw Hammers|claw hammer|24|450 g,570 g|forged steel,hickory,fibreglass",
         "Screwdriver Sets|screwdriver set|32|12-piece,24-piece,46-piece|chrome vanadium,forged steel,stainless steel",
         "Hand Saws|hand saw|22|35 cm,50 cm|carbon steel,forged steel,stainless steel",
         "Spirit Levels|spirit level|28|60 cm,120 cm|aluminium,magnesium,beech wood"),
    ),
    Group(
        "Tools", "Workshop Storage",
        ("keeping a small garage tidy", "sorting screws and bits", "a shared workshop"),
        ("Tool Boxes|tool box|48|40 cm,55 cm|powder-coated steel,recycled plastic,aluminium",
         "Wall Racks|wall rack|39|90 cm,150 cm|powder-coated steel,birch plywood,aluminium",
         "Workbenches|workbench|180|120 cm,160 cm|beech wood,birch plywood,powder-coated steel"),
    ),
    Group(
        "Garden", "Lawn Care",
        ("small front lawns", "uneven slopes", "the autumn tidy-up", "large family gardens"),
        ("Lawn Mowers|lawn mower|290|34 cm,40 cm,46 cm|powder-coated steel,aluminium,recycled plastic",
         "Grass Trimmers|grass trimmer|85|25 cm,33 cm|aluminium,glass-filled nylon,recycled plastic",
         "Leaf Blowers|leaf blower|110|18 V,36 V|glass-filled nylon,magnesium,recycled plastic"),
    ),
    Group(
        "Garden", "Planting",
        ("growing herbs on a balcony", "starting tomatoes early", "a border of roses", "a kitchen garden"),
        ("Garden Gloves|pair of garden gloves|14|size S,size M,size L|goat leather,cotton,nitrile",
         "Raised Beds|raised bed|75|100 cm,180 cm|cedar wood,galvanised steel,recycled plastic",
         "Plant Pots|plant pot|26|22 cm,35 cm,50 cm|terracotta,glazed stoneware,recycled plastic",
         "Secateurs|pair of secateurs|29|18 cm,21 cm|forged steel,carbon steel,aluminium"),
    ),
    Group(
        "Garden", "Outdoor Living",
        ("long summer evenings", "a sheltered patio", "weekend parties", "breakfast outside"),
        ("Charcoal Grills|charcoal grill|160|47 cm,57 cm|powder-coated steel,stainless steel,cast iron",
         "Garden Chairs|garden chair|80|2-pack,4-pack|teak,aluminium,recycled plastic",
         "Parasols|parasol|95|2.5 m,3 m|cotton,recycled polyester,teak"),
    ),
    Group(
        "Garden", "Watering",
        ("dry summers", "thirsty borders", "watering while you are away"),
        ("Garden Hoses|garden hose|36|15 m,25 m,50 m|natural rubber,recycled plastic,recycled polyester",
         "Sprinklers|sprinkler|27|120 m²,250 m²|brass,recycled plastic,galvanised steel",
         "Watering Cans|watering can|19|5 l,10 l|galvanised steel,recycled plastic,copper"),
    ),
    Group(
        "Kitchen", "Cookware",
        ("searing steaks", "slow Sunday stews", "quick weekday dinners", "cooking for a crowd"),
        ("Frying Pans|frying pan|48|24 cm,28 cm|cast iron,stainless steel,carbon steel",
         "Stock Pots|stock pot|62|5 l,8 l,12 l|stainless steel,enamelled steel,copper",
         "Casserole Dishes|casserole dish|85|3 l,5 l|cast iron,glazed stoneware,enamelled steel",
         "Woks|wok|44|30 cm,36 cm|carbon steel,cast iron,stainless steel"),
    ),
    Group(
        "Kitchen", "Small Appliances",
        ("early mornings", "smoothies and soups", "small kitchens", "breakfast for four"),
        ("Coffee Machines|coffee machine|210|1.2 l,1.8 l|stainless steel,aluminium,recycled plastic",
         "Blenders|blender|90|600 W,1000 W|borosilicate glass,stainless steel,recycled plastic",
         "Toasters|toaster|50|2-slot,4-slot|stainless steel,enamelled steel,recycled plastic",
         "Kettles|kettle|42|1 l,1.7 l|stainless steel,borosilicate glass,copper"),
    ),
    Group(
        "Kitchen", "Table and Pantry",
        ("keeping flour dry", "a zero-waste kitchen", "open shelves"),
        ("Tea Towels|set of tea towels|16|3-pack,5-pack|linen,cotton,bamboo",
         "Storage Jars|storage jar|18|0.5 l,1 l,2 l|borosilicate glass,glazed stoneware,stainless steel",
         "Bread Bins|bread bin|35|34 cm,42 cm|bamboo,enamelled steel,beech wood"),
    ),
    Group(
        "Electronics", "Audio",
        ("long train journeys", "listening to records", "film nights", "podcasts in the kitchen"),
        ("Headphones|pair of headphones|120|20 h,35 h,50 h|aluminium,recycled plastic,goat leather",
         "Bluetooth Speakers|Bluetooth speaker|85|10 W,30 W|recycled polyester,walnut,aluminium",
         "Soundbars|soundbar|220|120 W,300 W|aluminium,walnut,recycled polyester",
         "Turntables|turntable|190|2-speed,3-speed|walnut,aluminium,birch plywood"),
    ),
    Group(
        "Electronics", "Smart Home",
        ("cutting the heating bill", "watching the front door", "waking up gently"),
        ("Smart Bulbs|smart bulb|22|800 lm,1100 lm|frosted glass,recycled plastic,aluminium",
         "Thermostats|smart thermostat|130|4-zone,8-zone|frosted glass,aluminium,recycled plastic",
         "Security Cameras|security camera|95|2K,4K|aluminium,recycled plastic,magnesium"),
    ),
    Group(
        "Electronics", "Computing",
        ("working from home", "late-night gaming", "video calls", "a tidy desk"),
        ("Keyboards|keyboard|75|60 %,80 %,full-size|recycled plastic,aluminium,walnut",
         "Monitors|monitor|240|24-inch,27-inch,32-inch|aluminium,recycled plastic,magnesium",
         "Webcams|webcam|60|1080p,4K|aluminium,recycled plastic,magnesium"),
    ),
)  # fmt: skip

BOUGHT_AGAIN = frozenset(("Garden Gloves", "Tea Towels", "Smart Bulbs"))
BRANDS = (
    "Adlerholt", "Brynvik", "Calvora", "Dunmarrow", "Eskeld", "Fenwright", "Grendale", "Halvorn", "Ivessen", "Jorvane",
    "Kestwick", "Lumarra", "Maddocken", "Norrvale", "Oakmund", "Pellaro", "Quillon", "Rosvard", "Saltmere", "Tarnby",
    "Umbrel", "Veldane", "Wexcombe", "Yarrowby", "Zelkova House", "O'Dare & Daughters",
)  # fmt: skip
COLOURS = ("black", "white", "forest green", "slate grey", "copper red", "navy blue")
AUDIENCES = ("beginners", "families", "professionals", "keen hobbyists", "people in small flats")
PRAISE = (  # by the brand's tier, cheap to dear: the words betray the price
    ("An honest, low-cost choice.", "No frills, and none needed.", "Easy on the purse."),
    ("A dependable all-rounder.", "Good value for regular use.", "Well thought out and fairly priced."),
    ("Made to a standard, not to a price.", "Finished by hand, guaranteed for ten years.", "The best we have tested."),
)
OPENINGS = (
    "The {name} is {a_noun} in {colour}, {size}, made for {audience}.",
    "A {colour} {noun} ({size}) from {brand}, with {audience} in mind.",
    "Meet the {name}: {size}, {colour}, and just right for {audience}.",
    "{brand} designed this {size} {noun} in {colour} for {audience}.",
)
MIDDLES = (
    ("It is at its best when it comes to {use}.", "Customers tell us they reach for it for {use}.",
     "Whether for {use} or for every day, it does what it should."),
    ("It is made of {material}, so it lasts.", "The {material} feels good in the hand.",
     "We like what {brand} has done with {material} here."),
    ("It looks right at home next to the rest of the {brand} range.", "In {colour} it is easy to find again."),
)  # fmt: skip

# Purchases by calendar month in each department, against the year's mean: gardens in spring, gifts before Christmas.
SEASON = {
    "Tools": (1.0, 0.9, 1.1, 1.2, 1.1, 1.0, 0.9, 0.9, 1.1, 1.1, 1.0, 0.9),
    "Garden": (0.3, 0.5, 1.4, 2.0, 2.1, 1.6, 1.2, 0.9, 0.8, 0.7, 0.3, 0.2),
    "Kitchen": (1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.9, 1.0, 1.1, 1.4, 1.6),
    "Electronics": (1.0, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 1.0, 1.0, 1.8, 1.7),
}
