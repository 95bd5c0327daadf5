using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hypervisor.Sdk.Conformance.Model;

/// <summary>One step of a sequence: an operation on one of a few instances, written <c>start a</c>.</summary>
internal readonly record struct ModelStep(ModelOperation Operation, int Slot)
{
    public const int Slots = 3;

    private static readonly Dictionary<string, ModelOperation> s_words = Enum.GetValues<ModelOperation>().ToDictionary(Word, StringComparer.Ordinal);

    /// <summary>The name of the instance in the text: a, b or c.</summary>
    public char Name => (char)('a' + Slot);

    public override string ToString() => $"{Word(Operation)} {Name}";

    /// <summary>A sequence as one line.</summary>
    public static string Print(IEnumerable<ModelStep> steps) => string.Join("; ", steps);

    /// <summary>Reads what <see cref="Print"/> wrote.</summary>
    /// <exception cref="FormatException">It is no sequence.</exception>
    public static IReadOnlyList<ModelStep> Parse(string text) =>
        [.. text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(step => TryParse(step, out var parsed) ? parsed.Value
            : throw new FormatException($"'{step}' is not a step: one of {string.Join(", ", s_words.Keys)}, a space, and a, b or c. Steps are separated by ';'."))];

    private static bool TryParse(string text, [NotNullWhen(true)] out ModelStep? step)
    {
        string[] parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        step = parts.Length == 2 && s_words.TryGetValue(parts[0], out var operation) && parts[1].Length == 1 && parts[1][0] >= 'a' && parts[1][0] < 'a' + Slots ? new(operation, parts[1][0] - 'a') : null;
        return step is not null;
    }

    /// <summary>DeleteRunning is written delete-running.</summary>
    private static string Word(ModelOperation operation) =>
        string.Concat(operation.ToString().Select((character, index) => char.IsUpper(character) && index > 0 ? "-" + char.ToLower(character, CultureInfo.InvariantCulture) : char.ToLower(character, CultureInfo.InvariantCulture).ToString()));
}
