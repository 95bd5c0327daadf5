using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>A setting that is either a text, which may be shown, or a reference to a secret, which may not. The default value is an empty text.</summary>
public readonly record struct SecretOrText
{
    private readonly string? _text;
    private readonly SecretReference? _secret;

    private SecretOrText(string? text, SecretReference? secret)
    {
        _text = text;
        _secret = secret;
    }

    /// <summary>Whether it refers to a secret.</summary>
    public bool IsSecret => _secret is not null;

    /// <summary>A text.</summary>
    public static implicit operator SecretOrText(string text) => FromText(text);

    /// <summary>A secret.</summary>
    public static implicit operator SecretOrText(SecretReference secret) => FromSecret(secret);

    /// <summary>A text.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public static SecretOrText FromText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(text, null);
    }

    /// <summary>A secret.</summary>
    public static SecretOrText FromSecret(SecretReference secret) => new(null, secret);

    /// <summary>The text, when it is one.</summary>
    public bool TryGetText([NotNullWhen(true)] out string? text)
    {
        text = IsSecret ? null : _text ?? "";
        return text is not null;
    }

    /// <summary>The reference, when it is one.</summary>
    public bool TryGetSecret(out SecretReference secret)
    {
        secret = _secret.GetValueOrDefault();
        return IsSecret;
    }

    /// <summary>The text; <c>[secret]</c> for a reference.</summary>
    public override string ToString() => IsSecret ? "[secret]" : _text ?? "";
}
