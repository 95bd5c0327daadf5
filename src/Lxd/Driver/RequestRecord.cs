namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>What a request has left at a container: <c>user.hvsdk.request.ID = KIND:begun:MARK</c>, and <c>KIND:done</c> in its place when it has ended.</summary>
/// <param name="Kind">One of <see cref="WorkKinds"/>.</param>
/// <param name="IsDone">It has ended as asked.</param>
/// <param name="Mark">What is to be another one afterwards, or no more: which run of the container it was before, or which snapshot.</param>
internal sealed record RequestRecord(string Kind, bool IsDone, string? Mark)
{
    private const int KeptRequests = 16;

    public static RequestRecord? Find(ContainerFacts facts, RequestId id) => Find(facts.Own.Config, LxdRequestLog.KeyOf(id));

    public static RequestRecord? Find(IDictionary<string, string>? config, string key) => config is not null && config.TryGetValue(key, out string? text) && text.Split(':') is [var kind, var state, .. var rest]
        ? new RequestRecord(kind, state == "done", rest.Length > 0 ? rest[0] : null) : null;

    /// <summary>Adds it to a change of the configuration, and takes the oldest ones away: ids sort by their time.</summary>
    public void Write(ContainerFacts facts, RequestId id, IDictionary<string, string> config)
    {
        string own = LxdRequestLog.KeyOf(id);
        var others = (facts.Own.Config ?? new Dictionary<string, string>()).Keys.Where(key => key.StartsWith(LxdRequestLog.Prefix, StringComparison.Ordinal) && key != own).Order(StringComparer.Ordinal).ToList();
        for (int i = 0; i <= others.Count - KeptRequests; i++)
            config[others[i]] = "";
        config[own] = ToString();
    }

    /// <summary>Puts a request that has had its effect into a whole configuration, and takes the oldest ones out.</summary>
    public static void Write(Dictionary<string, string> config, string kind, RequestId id)
    {
        string own = LxdRequestLog.KeyOf(id);
        var others = config.Keys.Where(key => key.StartsWith(LxdRequestLog.Prefix, StringComparison.Ordinal) && key != own).Order(StringComparer.Ordinal).ToList();
        for (int i = 0; i <= others.Count - KeptRequests; i++)
            config.Remove(others[i]);
        config[own] = new RequestRecord(kind, true, null).ToString();
    }

    public override string ToString() => IsDone ? $"{Kind}:done" : Mark is null ? $"{Kind}:begun" : $"{Kind}:begun:{Mark}";
}
