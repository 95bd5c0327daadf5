namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>How it is found out whether a request happened.</summary>
internal enum RequestKind
{
    /// <summary>A file that was prepared gets the name of the volume.</summary>
    Make,

    /// <summary>A file that was prepared takes the place of the volume's.</summary>
    Replace,

    /// <summary>The volume is of the new size.</summary>
    Resize,

    /// <summary>The file is gone.</summary>
    Delete,

    /// <summary>The directory is there.</summary>
    MakePool,

    /// <summary>The directory is gone.</summary>
    DeletePool,
}
