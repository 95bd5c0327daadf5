using System.Globalization;
using Hypervisor.Sdk.Jobs.Sqlite;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Data.Sqlite;

namespace Hypervisor.Sdk.Jobs;

/// <summary>
/// The backup that is made beside the file of a SQLite store, by itself and now and then. To go back to it is a decision: jobs that were made since are not in it, and those that have ended since are run again. Of steps that began
/// since nothing is known there either: they are sent again, under new request ids, also where they have happened. Fencing tokens and places of changes go on above those that were given since.
/// </summary>
public static class JobsSqliteBackup
{
    private const string Restored = ".restored-";
    private const string Damaged = ".damaged-";
    private const long MorePlaces = 1L << 40;

    /// <summary>When the backup of the store at <paramref name="path"/> was made; null where there is none.</summary>
    public static DateTimeOffset? TakenAt(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return File.Exists(PathOf(path)) ? File.GetLastWriteTimeUtc(PathOf(path)) : null;
    }

    /// <summary>Puts the backup in the place of the file, which nobody may have open. Where it is broken off, the next start of the store ends it, or finds everything as it was. The backup stays; the file is kept under the name that is returned.</summary>
    /// <param name="path">The store.</param>
    /// <returns>Where the file is kept that was there, with its log beside it.</returns>
    /// <exception cref="HypervisorException">There is no backup, it is damaged too, or another process restores: nothing was moved.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static string Restore(string path) => Restore(path, TimeProvider.System);

    /// <summary>The same, with the clock whose time stands in the name under which the file is kept.</summary>
    /// <param name="path">The store.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <returns>Where the file is kept that was there, with its log beside it.</returns>
    /// <exception cref="HypervisorException">There is no backup, it is damaged too, or another process restores: nothing was moved.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static string Restore(string path, TimeProvider timeProvider)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(timeProvider);
        using var alone = Alone(path);
        if (Begun(path) is { } begun)
            throw SqliteSchema.Refusal(path, $"is being restored, and that was broken off ({begun} is there): the next start of the store ends it. Nothing was moved");
        if (TakenAt(path) is null)
            throw SqliteSchema.Refusal(path, $"has no backup ({PathOf(path)} is not there). Nothing was moved");
        string draft = path + ".restoring";
        File.Copy(PathOf(path), draft, overwrite: true);
        Check(path, draft);
        Raise(draft, timeProvider.GetUtcNow());
        using (var file = File.OpenHandle(draft, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(file);
        // From here on it is done, by this process or by the next that opens the store.
        string whole = string.Create(CultureInfo.InvariantCulture, $"{path}{Restored}{timeProvider.GetUtcNow():yyyyMMddHHmmssfff}");
        File.Move(draft, whole);
        return Finish(path, whole);
    }

    /// <summary>Ends a restore whose process stopped in its middle: without that the store would begin anew, or without its log.</summary>
    /// <exception cref="HypervisorException">It is under way in another process, or cannot be ended.</exception>
    internal static void GoOn(string path)
    {
        if (Begun(path) is null)
            return;
        using var alone = Alone(path);
        try
        {
            if (Begun(path) is { } whole)
                Finish(path, whole);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw SqliteSchema.Refusal(path, $"was being restored when that was broken off, and the rest cannot be done ({exception.Message.TrimEnd('.')})", exception);
        }
    }

    /// <summary>Moves what is there away and the restored file into its place, which is the last step: until then what is at the path is what was there before.</summary>
    /// <param name="path">The store.</param>
    /// <param name="whole">The restored file.</param>
    /// <param name="moving">Called before each move; tests stop there.</param>
    internal static string Finish(string path, string whole, Action? moving = null)
    {
        string kept = path + Damaged + whole[(path.Length + Restored.Length)..];
        foreach (string part in (string[])["-shm", "-wal", ""])
        {
            if (!File.Exists(path + part))
                continue;
            moving?.Invoke();
            File.Move(path + part, kept + part);
        }

        moving?.Invoke();
        File.Move(whole, path);
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

    // The restored file while it waits for its place.
    private static string? Begun(string path)
    {
        string full = Path.GetFullPath(path);
        string directory = Path.GetDirectoryName(full)!;
        string name = Path.GetFileName(full) + Restored;
        return !Directory.Exists(directory) ? null
            : Directory.EnumerateFiles(directory).Select(Path.GetFileName).FirstOrDefault(file => file!.StartsWith(name, StringComparison.Ordinal)) is { } found ? path + found[(name.Length - Restored.Length)..] : null;
    }

    private static FileStream Alone(string path)
    {
        try
        {
            return new FileStream(path + ".restore-lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException exception)
        {
            throw SqliteSchema.Refusal(path, "is being restored by another process: wait for that. Nothing was moved", exception);
        }
    }

    // Backends have seen tokens, and watchers places, that were given after the backup.
    private static void Raise(string draft, DateTimeOffset now)
    {
        using var session = new SqliteSession(draft, isReader: false);
        session.Run("BEGIN IMMEDIATE");
        foreach (var (name, value) in session.Read("SELECT name, value FROM counters", row => (row.GetString(0), row.GetInt64(1))))
            session.Run("UPDATE counters SET value = $1 WHERE name = $0", name, name == "token" ? FencingTokens.AfterRestore(value, now) : value + MorePlaces);
        session.Run("COMMIT");
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
