using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.CloudInit;

/// <summary>What values of a document may be. What breaks a rule is refused with the field's name before a guest ever sees it.</summary>
internal static partial class Rules
{
    public const int MaxItems = 1000;

    public const int MaxTextChars = 64 << 10;

    public static string UserName(string name, string field) => Matching(UserNamePattern(), name, field, "1 to 32 of a-z, 0-9, '-' and '_', the first a letter or '_'");

    public static string HostName(string name, string field) =>
        name.Length <= 253 && HostNamePattern().IsMatch(name) ? name : throw Invalid(field, name, "names of 1 to 63 letters, digits and '-' between dots, not beginning or ending with '-' (RFC 1123)");

    public static string Package(string name, string field) => Matching(PackagePattern(), name, field, "a package's name, and perhaps '=' and its version: letters, digits and + - . _ : = ~ @, the first a letter or digit");

    public static string InterfaceName(string name, string field) => Matching(InterfacePattern(), name, field, "1 to 15 letters, digits, '-', '_' and '.', the first a letter");

    public static string Word(string word, string field) => Matching(WordPattern(), word, field, "1 to 64 letters, digits and + - . _ / @, the first a letter or digit");

    public static string AbsolutePath(string path, string field) =>
        path.Length is > 1 and <= 4096 && path[0] == '/' && !path.Any(char.IsControl) && !path.Split('/').Contains("..") ? path : throw Invalid(field, path, "an absolute path without '..' and control characters");

    public static string FileMode(string mode, string field) => Matching(FileModePattern(), mode, field, "3 or 4 octal digits, such as 0644");

    public static string Owner(string owner, string field) => Matching(OwnerPattern(), owner, field, "a user's name, and perhaps ':' and a group's");

    /// <summary>A public key as ssh-keygen writes it: its kind, Base64, and perhaps a comment; on one line, without options.</summary>
    public static string SshKey(string key, string field)
    {
        string[] words = key.Trim().Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
        if (key.Length > 16 << 10 || key.Trim().Any(char.IsControl) || words.Length < 2 || !SshKeyKindPattern().IsMatch(words[0]))
            throw Invalid(field, key, "a public key as in id_ed25519.pub: its kind, Base64, and perhaps a comment");
        Span<byte> decoded = new byte[words[1].Length];
        // The key says its own kind again within: a cut or mixed one does not.
        if (!Convert.TryFromBase64String(words[1], decoded, out int count) || count < 4 + words[0].Length || BinaryPrimitives.ReadInt32BigEndian(decoded) != words[0].Length || !decoded.Slice(4, words[0].Length).SequenceEqual(Encoding.ASCII.GetBytes(words[0])))
            throw Invalid(field, key, "the Base64 of this key is cut or not of its kind");
        return key.Trim();
    }

    public static string Text(string text, string field) => text.Length <= MaxTextChars && !text.Contains('\0', StringComparison.Ordinal) ? text : throw Invalid(field, text, $"at most {MaxTextChars} characters without NUL");

    public static string Line(string text, string field) => text.Length <= 1024 && !text.Any(char.IsControl) ? text : throw Invalid(field, text, "at most 1024 characters on one line");

    public static IEnumerable<(T Item, string Field)> Each<T>(ICollection<T> items, string field)
    {
        if (items.Count > MaxItems)
            throw Invalid(field, $"{items.Count} of them", $"at most {MaxItems}");
        return items.Select((item, index) => (item, $"{field}[{index}]"));
    }

    public static HypervisorException Invalid(string field, string value, string rule)
    {
        string shown = string.Concat(value.Take(64).Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format ? '?' : c));
        return new HypervisorException($"The document for cloud-init was not written: {field} is '{shown}{(value.Length > 64 ? "..." : "")}'; expected: {rule}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent)
        {
            FieldErrors = new Dictionary<string, string> { [field] = rule },
        };
    }

    private static string Matching(Regex pattern, string text, string field, string rule) => pattern.IsMatch(text) ? text : throw Invalid(field, text, rule);

    [GeneratedRegex(@"\A[a-z_][a-z0-9_-]{0,31}\z")]
    private static partial Regex UserNamePattern();

    [GeneratedRegex(@"\A[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\z")]
    private static partial Regex HostNamePattern();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9+._:=~@-]{0,255}\z")]
    private static partial Regex PackagePattern();

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9._-]{0,14}\z")]
    private static partial Regex InterfacePattern();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9+._/@-]{0,63}\z")]
    private static partial Regex WordPattern();

    [GeneratedRegex(@"\A0?[0-7]{3}\z|\A[0-7]{4}\z")]
    private static partial Regex FileModePattern();

    [GeneratedRegex(@"\A[a-z_][a-z0-9_-]{0,31}(:[a-z_][a-z0-9_-]{0,31})?\z")]
    private static partial Regex OwnerPattern();

    [GeneratedRegex(@"\A(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]{1,60}\z")]
    private static partial Regex SshKeyKindPattern();
}
