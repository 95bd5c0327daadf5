namespace Hypervisor.Sdk.Lxd;

/// <summary>One operation of the API, as the definitions say it.</summary>
/// <param name="name">Its method on the client, without Async.</param>
/// <param name="method">The method.</param>
/// <param name="target">The path, with what is filled in as <c>{name}</c>, and the query that makes it another operation.</param>
/// <param name="isIncusOnly">LXD 5.0.2 does not have it.</param>
/// <param name="extension">The API extension that a server must have; null for what all have.</param>
/// <param name="inputs">What <see cref="LxdCall"/> may carry for it; headers begin with <c>header:</c>.</param>
internal sealed class LxdApiOperation(string name, HttpMethod method, string target, bool isIncusOnly, string? extension, string[] inputs)
{
    public string Name { get; } = name;

    public HttpMethod Method { get; } = method;

    public string Target { get; } = target;

    public bool IsIncusOnly { get; } = isIncusOnly;

    public string? Extension { get; } = extension;

    public string[] Inputs { get; } = inputs;

    public override string ToString() => $"{Method} {Target}";
}
