using System.Text;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What hosts have in common that are one panel over the same servers: the database of their jobs, and the keys of the jobs and of the ids of operations. It may be one directory that all reach, or a copy on each.</summary>
internal sealed class SharedDirectory
{
    private const string DatabaseName = "database";
    private const int MaxFileBytes = 4096;
    private const UnixFileMode ForOthers = (UnixFileMode)0b111_111;

    private readonly string _path;

    private SharedDirectory(string path, string connectionString) => (_path, ConnectionString) = (path, connectionString);

    /// <summary>How to connect to the PostgreSQL database, as Npgsql takes it. It may have a password.</summary>
    public string ConnectionString { get; }

    /// <summary>The key by which the jobs are encrypted, read or made on first use.</summary>
    public JobKeyFile JobKey => new(Path.Combine(_path, "job-key"));

    /// <summary>Reads what there is.</summary>
    /// <exception cref="IOException">There is no file <c>database</c>, it is empty or too long, or others may read it.</exception>
    public static SharedDirectory Open(string path)
    {
        string name = Path.Combine(path, DatabaseName);
        if (!File.Exists(name))
            throw new IOException($"There is no {name}: it is to hold one line, how to connect to the PostgreSQL database that the hosts share, such as Host=db;Database=panel;Username=panel;Password=…");
        using var file = new FileStream(name, FileMode.Open, FileAccess.Read, FileShare.Read);
        if ((File.GetUnixFileMode(file.SafeFileHandle) & ForOthers) != 0)
            throw new IOException($"Others may read {name}, which may hold a password: chmod 600 it.");
        byte[] content = new byte[MaxFileBytes + 1];
        int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        string line = Encoding.UTF8.GetString(content, 0, length).Trim();
        return length <= MaxFileBytes && line.Length > 0 && !line.Contains('\n', StringComparison.Ordinal) ? new(path, line)
            : throw new IOException($"{name} does not hold one line of at most {MaxFileBytes} bytes.");
    }

    /// <summary>The key that signs the ids of operations, made on first use.</summary>
    public Secret OperationKey() => StateDirectory.ReadKey(Path.Combine(_path, "operation-key"));
}
