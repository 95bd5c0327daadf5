using System.Globalization;
using Hypervisor.Sdk.Jobs.Sqlite;
using Microsoft.Data.Sqlite;

namespace Hypervisor.Sdk.Jobs;

/// <summary>
/// The backup that is made beside the file of a SQLite store, by itself and now and then. To go back to it is a decision: jobs that were made since are not in it, and those that have ended since are run again.
/// </summary>
public static class JobsSqliteBackup
{
    /// <summary>When the backup of the store at <paramref name="path"/> was made; null where there is none.</summary>
    public static DateTimeOffset? TakenAt(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return File.Exists(PathOf(path)) ? File.GetLastWriteTimeUtc(PathOf(path)) : null;
    }

    /// <summary>Puts the backup in the place of the file, which nobody may have open. The backup stays; the file is kept under the name that is returned.</summary>
    /// <param name="path">The store.</param>
    /// <returns>Where the file is kept that was there, with its log beside it.</returns>
    /// <exception cref="HypervisorException">There is no backup, or it is damaged too: nothing was moved.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static string Restore(string path) => Restore(path, TimeProvider.System);

    /// <summary>The same, with the clock whose time stands in the name under which the file is kept.</summary>
    /// <param name="path">The store.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <returns>Where the file is kept that was there, with its log beside it.</returns>
    /// <exception cref="HypervisorException">There is no backup, or it is damaged too: nothing was moved.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static string Restore(string path, TimeProvider timeProvider)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(timeProvider);
        if (TakenAt(path) is null)
            throw SqliteSchema.Refusal(path, $"has no backup ({PathOf(path)} is not there). Nothing was moved");
        string draft = path + ".restored";
        File.Copy(PathOf(path), draft, overwrite: true);
        Check(path, draft);
        string kept = string.Create(CultureInfo.InvariantCulture, $"{path}.damaged-{timeProvider.GetUtcNow():yyyyMMddHHmmssfff}");
        foreach (string part in (string[])["-shm", "-wal", ""])
        {
            if (File.Exists(path + part))
                File.Move(path + part, kept + part);
        }

        File.Move(draft, path);
        return kept;
    }

    internal static string PathOf(string path) => path + ".backup";

    /// <summary>Makes it anew, from one moment of the store; writers are not blocked. It is whole, or the one before stays.</summary>
    internal static void Take(string path)
    {
        string draft = PathOf(path) + ".new";
        File.Delete(draft);
        using (var session = new SqliteSession(path, isReader: false))
            session.Run("VACUUM INTO $0", draft);
        using (var file = File.OpenHandle(draft, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(file);
        File.Move(draft, PathOf(path), overwrite: true);
    }

    private static void Check(string path, string draft)
    {
        try
        {
            using var session = new SqliteSession(draft, isReader: true);
            if (session.Read("PRAGMA quick_check(1)", row => row.GetString(0)) is ["ok"])
                return;
        }
        catch (SqliteException exception)
        {
            throw SqliteSchema.Refusal(path, $"has a backup that cannot be read ({exception.Message.TrimEnd('.')}). Nothing was moved", exception);
        }

        throw SqliteSchema.Refusal(path, "has a damaged backup. Nothing was moved");
    }
}
