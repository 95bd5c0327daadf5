namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>What is done to machines, in the words of the journal.</summary>
internal static class WorkKinds
{
    public const string Create = "create";
    public const string Start = "start";
    public const string Stop = "stop";
    public const string Restart = "restart";
    public const string Reset = "reset";
    public const string Pause = "pause";
    public const string Resume = "resume";
    public const string Delete = "delete";
    public const string Apply = "apply";
    public const string Clone = "clone";
    public const string ConvertToTemplate = "convert-to-template";
    public const string ConvertToInstance = "convert-to-instance";
    public const string CreateSnapshot = "create-snapshot";
    public const string RevertSnapshot = "revert-snapshot";
    public const string DeleteSnapshot = "delete-snapshot";
    public const string BeginBackup = "begin-backup";
    public const string CompleteBackup = "complete-backup";
    public const string Migrate = "migrate";
    public const string ChangeDiskStorage = "change-disk-storage";
    public const string Receive = "receive";
}
