namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>What a guest's kernel says of a path that it cannot use.</summary>
internal sealed class GuestFileException(GuestFileError error, string path) : Exception($"{path}: {Describe(error)}")
{
    public GuestFileError Error { get; } = error;

    public string GuestPath { get; } = path;

    public string Reason => Describe(Error);

    private static string Describe(GuestFileError error) => error switch
    {
        GuestFileError.NotFound => "No such file or directory",
        GuestFileError.NotDirectory => "Not a directory",
        GuestFileError.IsDirectory => "Is a directory",
        GuestFileError.Exists => "File exists",
        GuestFileError.NotEmpty => "Directory not empty",
        GuestFileError.TooManyLinks => "Too many levels of symbolic links",
        GuestFileError.NameTooLong => "File name too long",
        GuestFileError.NoSpace => "No space left on device",
        _ => "Invalid argument",
    };
}

/// <summary>The errors of files, as POSIX has them.</summary>
internal enum GuestFileError
{
    NotFound,
    NotDirectory,
    IsDirectory,
    Exists,
    NotEmpty,
    TooManyLinks,
    NameTooLong,
    NoSpace,
    Invalid,
}
