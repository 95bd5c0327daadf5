namespace Hypervisor.Sdk.Hosts;

/// <summary>The rule for paths beneath a directory, the same as that of <see cref="DiskImages.RootedDirectory"/>.</summary>
internal static class HostPath
{
    public static string[] Components(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0 || path.Contains('\0'))
            throw new ArgumentException("A path beneath a directory is neither empty nor does it contain NUL.", nameof(path));
        string[] components = path.Split('/');
        return components.Any(component => component is "" or "." or "..")
            ? throw new HypervisorException($"The path {Shown(path)} is not a plain one beneath a directory: a component is empty, '.' or '..'.", ErrorCode.Denied, RequestOutcome.Rejected)
            : components;
    }

    public static string Absolute(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return path.StartsWith('/') && !path.Contains('\0') ? (path.Length > 1 ? path.TrimEnd('/') : path) : throw new ArgumentException($"The path {Shown(path)} is not an absolute one.", nameof(path));
    }

    /// <summary>On one line, and not endless.</summary>
    public static string Shown(string path)
    {
        string shown = string.Concat(path.Take(128).Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Format ? '?' : c));
        return path.Length > 128 ? $"'{shown}...'" : $"'{shown}'";
    }
}
