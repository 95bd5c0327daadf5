using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd;

/// <summary>What a call carries beside its path and its body. Each method says which of it its operation takes; what it does not take is refused.</summary>
public sealed partial class LxdCall
{
    /// <summary>Do it only while this is the revision of what is changed; otherwise it fails with <see cref="ErrorCode.Conflict"/>. Default: null, whatever the revision.</summary>
    public Revision? IfMatch { get; init; }

    internal static LxdCall None { get; } = new();

    /// <summary>The target with the query, and the headers.</summary>
    /// <exception cref="ArgumentException">Something is set that the operation does not take.</exception>
    internal (HttpTarget Target, List<HttpHeader> Headers) Prepare(LxdApiOperation operation, HttpTarget path, string? variant, string? defaultProject, bool isIncus)
    {
        var query = new StringBuilder(path.Value);
        var headers = new List<HttpHeader>();
        char separator = '?';
        if (variant is not null)
        {
            query.Append(separator).Append(variant);
            separator = '&';
        }

        foreach (var (name, value) in Inputs())
        {
            if (!operation.Inputs.Contains(name))
                throw new ArgumentException($"{operation} does not take '{name}'.", nameof(operation));
            if (name.StartsWith("header:", StringComparison.Ordinal))
                headers.Add(new HttpHeader(string.Concat(isIncus ? "X-Incus-" : "X-LXD-", name.AsSpan(7)), value));
            else
                Append(name, value);
        }

        if (Project is null && AllProjects is not true && defaultProject is not null && operation.Inputs.Contains("project"))
            Append("project", defaultProject);
        if (IfMatch is { IsDefault: false } revision)
            headers.Add(new HttpHeader("If-Match", revision.ToString()));
        return (HttpTarget.Parse(query.ToString()), headers);

        void Append(string name, string value)
        {
            query.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }
    }
}
