namespace Hypervisor.Sdk;

/// <summary>The words of made-up names: short, plain, and nothing that anybody minds beside another.</summary>
internal static class NameWords
{
    public static readonly string[] Adjectives =
    [
        "amber", "ample", "autumn", "blue", "bold", "brave", "bright", "brisk", "broad", "calm", "clear", "cosy", "crisp", "deep", "early", "eager", "even", "fair", "fleet", "fresh", "gentle", "glad", "golden", "grand",
        "green", "hardy", "high", "honest", "keen", "kind", "late", "light", "lively", "lucky", "mellow", "merry", "mild", "neat", "new", "noble", "north", "open", "patient", "plain", "proud", "quick", "quiet", "rapid",
        "ready", "red", "round", "silver", "slow", "smooth", "snug", "solid", "south", "spare", "steady", "still", "sunny", "swift", "tidy", "true", "vivid", "warm", "west", "white", "wide", "wise", "young",
    ];

    public static readonly string[] Nouns =
    [
        "acorn", "anchor", "arch", "bay", "beacon", "birch", "bridge", "brook", "canal", "canyon", "cedar", "cliff", "cloud", "comet", "coral", "cove", "creek", "delta", "dune", "elm", "falcon", "fern", "field", "fjord",
        "forest", "garden", "gate", "glacier", "grove", "harbour", "hawk", "hazel", "heron", "hill", "island", "lagoon", "lake", "lantern", "larch", "leaf", "maple", "marsh", "meadow", "mill", "moon", "oak", "orchard", "otter",
        "path", "peak", "pebble", "pine", "plateau", "pond", "quarry", "rain", "reef", "ridge", "river", "robin", "sail", "shore", "sky", "spring", "star", "stone", "stream", "summit", "swan", "tide", "tower", "valley",
        "wave", "well", "willow", "wren",
    ];
}
