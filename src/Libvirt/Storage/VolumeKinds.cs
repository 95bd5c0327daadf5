namespace Hypervisor.Sdk.Libvirt.Storage;

/// <summary>The words for effects on volumes and pools.</summary>
internal static class VolumeKinds
{
    public const string Create = "create-volume";
    public const string Clone = "clone-volume";
    public const string Upload = "upload-volume";
    public const string Resize = "resize-volume";
    public const string Delete = "delete-volume";
    public const string CreatePool = "create-pool";
    public const string DeletePool = "delete-pool";
}
