namespace Hypervisor.Sdk.Lxd.Storage;

/// <summary>The words for effects on volumes and pools, as they stand in the configuration of volumes: they do not change.</summary>
internal static class VolumeKinds
{
    public const string Create = "create-volume";
    public const string Clone = "clone-volume";
    public const string Import = "import-volume";
    public const string Resize = "resize-volume";
    public const string Delete = "delete-volume";
    public const string CreatePool = "create-pool";
    public const string DeletePool = "delete-pool";
}
