namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>The words for effects, as they stand in the configuration of containers: they do not change.</summary>
internal static class WorkKinds
{
    public const string Create = "create";
    public const string Start = "start";
    public const string Stop = "stop";
    public const string Restart = "restart";
    public const string Delete = "delete";
    public const string Apply = "apply";
    public const string Pause = "pause";
    public const string Resume = "resume";
    public const string Snapshot = "snapshot";
    public const string Revert = "revert";
    public const string DeleteSnapshot = "delete-snapshot";
    public const string Clone = "clone";
    public const string AddPort = "add-port";
    public const string RemovePort = "remove-port";
}
