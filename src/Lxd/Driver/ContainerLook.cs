namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Looks at containers: one by its name, all of them in one request.</summary>
internal sealed class ContainerLook(LxdClient client)
{
    private const string Container = "container";

    public async Task<ContainerFacts?> FindAsync(InstanceId id, CancellationToken cancellationToken)
    {
        if (!IsName(id))
            return null;
        try
        {
            var answer = await client.InstanceGetAsync(id.ToString(), cancellationToken: cancellationToken).ConfigureAwait(false);
            return answer.Value.Type == Container && answer.Value.Name == id.ToString() ? new ContainerFacts(answer.Value, answer.Revision) : null;
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    public async Task<IReadOnlyList<ContainerFacts>> ListAsync(CancellationToken cancellationToken)
    {
        var answer = await client.InstancesGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false);
        return [.. answer.Value.Where(instance => instance is { Type: Container, Name.Length: > 0 }).Select(instance => new ContainerFacts(instance, null))];
    }

    /// <summary>What can be no name is not asked for: it would be another path.</summary>
    private static bool IsName(InstanceId id) => !id.IsDefault && id.ToString() is var text && text.All(character => char.IsAsciiLetterOrDigit(character) || character == '-');
}
