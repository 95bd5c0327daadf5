namespace Hypervisor.Sdk.Lxd;

/// <summary>Which events of a server are heard, and how many may wait.</summary>
public sealed class LxdEventOptions
{
    /// <summary>What operations do: their beginning, progress and end.</summary>
    public const string OperationEvents = "operation";

    /// <summary>What happens to instances, images, networks and everything else that the API has.</summary>
    public const string LifecycleEvents = "lifecycle";

    /// <summary>What the server logs. Only its administrators hear it.</summary>
    public const string LoggingEvents = "logging";

    /// <summary>The types of events. Default: operations and life cycle.</summary>
    public IReadOnlyList<string> Types { get; init; } = [OperationEvents, LifecycleEvents];

    /// <summary>Of all projects. Default false, of the client's project only.</summary>
    public bool AllProjects { get; init; }

    /// <summary>How many events may wait to be read, 1 or more. When one more comes, the oldest is dropped and a gap stands in its place. Default 4096.</summary>
    public int Capacity { get; init; } = 4096;
}
