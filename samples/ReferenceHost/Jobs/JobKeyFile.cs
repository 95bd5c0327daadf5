using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>The key by which jobs are encrypted, in a file of the owner's alone: one line of its id, which is a part of its hash, and the key in base64. Requests that become jobs may hold passwords for new machines.</summary>
internal sealed class JobKeyFile(string path) : IJobKeys
{
    private const int KeyBytes = 32;
    private const int IdBytes = 8;
    private const int MaxFileBytes = 256;
    private const UnixFileMode ForOthers = (UnixFileMode)0b111_111;

    // Read when a job is made or run, which HostSchedules does at once: a host that only stops its machines, or is reset, needs no key.
    private readonly Lazy<(string Id, Secret Key)> _key = new(() => Read(path));

    /// <inheritdoc />
    /// <exception cref="IOException">The file is damaged, or others may read it.</exception>
    public string CurrentId => _key.Value.Id;

    public bool TryGet(string id, [NotNullWhen(true)] out Secret? key)
    {
        key = id == CurrentId ? _key.Value.Key : null;
        return key is not null;
    }

    /// <summary>Reads the file, made where there is none: whole, or not there.</summary>
    private static (string Id, Secret Key) Read(string path)
    {
        if (!File.Exists(path))
        {
            byte[] key = RandomNumberGenerator.GetBytes(KeyBytes);
            StateDirectory.WriteFirst(path, Encoding.ASCII.GetBytes($"{IdOf(key)} {Convert.ToBase64String(key)}\n"));
            CryptographicOperations.ZeroMemory(key);
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if ((File.GetUnixFileMode(file.SafeFileHandle) & ForOthers) != 0)
            throw new IOException($"Others may read {path}, by which the jobs here are encrypted: chmod 600 it, and change the passwords that were sent to this host where somebody may have read it.");
        byte[] line = new byte[MaxFileBytes];
        int length = file.ReadAtLeast(line, line.Length, throwOnEndOfStream: false);
        if (Encoding.ASCII.GetString(line, 0, length).Split(' ', '\n') is not [var id, var text, ""] || !TryRead(text, out byte[]? read) || id != IdOf(read))
            throw new IOException($"{path} is damaged: the jobs here are encrypted by it. Put a copy of it back; or delete it, and jobs that have not ended will be FAILED as ones whose arguments nobody can read.");
        return (id, new Secret(read));
    }

    private static bool TryRead(string text, [NotNullWhen(true)] out byte[]? key)
    {
        key = new byte[KeyBytes];
        return text.Length == (KeyBytes + 2) / 3 * 4 && Convert.TryFromBase64String(text, key, out int length) && length == KeyBytes;
    }

    private static string IdOf(ReadOnlySpan<byte> key) => Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, IdBytes));
}
