namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>What the servers answer where their definitions say something else.</summary>
internal static class Corrections
{
    /// <summary>The C# type of an operation's value, or null where the definition is right.</summary>
    public static string? Of(string id) => id switch
    {
        // Defined as a list; both servers answer a map from each state to its operations.
        "operations_get_recursion1" => "IDictionary<string, IList<LxdOperation>>",

        // Defined as a text; Incus answers a document.
        "metadata_configuration_get" => "JsonElement",
        _ => null,
    };

    /// <summary>What an operation's answer carries, or null where the definition is right.</summary>
    public static AnswerKind? KindOf(string id) => id switch
    {
        // With a token wished for, an operation that lasts until the token is used.
        "certificates_post" => AnswerKind.EmptyOrOperation,
        _ => null,
    };
}
