namespace Hypervisor.Sdk.CloudInit;

/// <summary>A file that cloud-init writes at the first boot, before packages are installed.</summary>
public sealed class CloudFile
{
    /// <summary>Where: an absolute path in the guest without <c>..</c>. Directories above it are made.</summary>
    public required string Path { get; init; }

    /// <summary>What is in it: at most 256 KiB. It travels as Base64, so that any bytes do.</summary>
    public required ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>Who may do what with it, in octal. Default <c>0644</c>.</summary>
    public string Mode { get; init; } = "0644";

    /// <summary>Whose it is: a user, and perhaps <c>:</c> and a group. Default <c>root:root</c>. A user that cloud-init makes is there only when <see cref="AfterUsers"/> is set.</summary>
    public string Owner { get; init; } = "root:root";

    /// <summary>Whether it is written after users are made and packages installed (cloud-init 21.2 and later). Default: no.</summary>
    public bool AfterUsers { get; init; }

    /// <summary>A file of text in UTF-8.</summary>
    /// <param name="path">Where.</param>
    /// <param name="text">What is in it.</param>
    public static CloudFile FromText(string path, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new CloudFile { Path = path, Content = System.Text.Encoding.UTF8.GetBytes(text) };
    }

    internal Yaml Write(string field)
    {
        if (Content.Length > 256 << 10)
            throw Rules.Invalid($"{field}.content", $"{Content.Length} bytes", "at most 256 KiB; have the guest fetch what is larger");
        return new Yaml.Mapping()
            .Add("path", Rules.AbsolutePath(Path, $"{field}.path"))
            .Add("owner", Rules.Owner(Owner, $"{field}.owner"))
            .Add("permissions", Rules.FileMode(Mode, $"{field}.mode"))
            .Add("defer", AfterUsers ? true : null)
            .Add("encoding", "b64")
            .Add("content", Convert.ToBase64String(Content.Span));
    }
}
