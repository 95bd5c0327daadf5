namespace Hypervisor.Sdk.Simulation.Works;

/// <summary>What is done, in the words of the trace, of faults and of tokens.</summary>
internal static class WorkKinds
{
    public const string Create = "create";
    public const string Start = "start";
    public const string Stop = "stop";
    public const string Restart = "restart";
    public const string Reset = "reset";
    public const string Pause = "pause";
    public const string Resume = "resume";
    public const string Suspend = "suspend";
    public const string Delete = "delete";
    public const string Apply = "apply";
    public const string Clone = "clone";
    public const string Migrate = "migrate";
    public const string ConvertToTemplate = "convert-to-template";
    public const string ConvertToInstance = "convert-to-instance";
    public const string CreateSnapshot = "create-snapshot";
    public const string RevertSnapshot = "revert-snapshot";
    public const string DeleteSnapshot = "delete-snapshot";
    public const string AddLayer = "add-layer";
    public const string CommitLayer = "commit-layer";
    public const string FlattenDisk = "flatten-disk";
    public const string MoveDisk = "move-disk";
    public const string CreateVolume = "create-volume";
    public const string UploadVolume = "upload-volume";
    public const string CreatePool = "create-pool";
    public const string DeletePool = "delete-pool";
    public const string ResizeVolume = "resize-volume";
    public const string CloneVolume = "clone-volume";
    public const string FlattenVolume = "flatten-volume";
    public const string DeleteVolume = "delete-volume";
}
