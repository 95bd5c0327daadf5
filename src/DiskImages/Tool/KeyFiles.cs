using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>The passphrases of one run, each in a file in memory (memfd_create) that only the path in a secret object names.</summary>
internal sealed class KeyFiles : IDisposable
{
    private const uint CloseOnExec = 1;

    private readonly Dictionary<Secret, SafeFileHandle> _files = [];

    /// <summary>The options that declare the secret objects.</summary>
    public IEnumerable<string> Arguments
    {
        get
        {
            foreach (var (secret, file) in _files)
            {
                string path = $"/proc/{Environment.ProcessId}/fd/{file.DangerousGetHandle()}";
                yield return "--object";
                yield return $$"""{"qom-type":"secret","id":"{{IdOf(secret)}}","file":"{{JsonEncodedText.Encode(path)}}"}""";
            }
        }
    }

    /// <summary>The id of the secret object of a passphrase.</summary>
    public string IdOf(Secret secret)
    {
        if (!_files.ContainsKey(secret))
            _files.Add(secret, Write(secret));
        return $"key{_files.Keys.ToList().IndexOf(secret)}";
    }

    public void Dispose()
    {
        foreach (var file in _files.Values)
            file.Dispose();
    }

    private static SafeFileHandle Write(Secret secret)
    {
        if (!OperatingSystem.IsLinux())
            throw new HypervisorException("Encrypted images are handled on Linux only: elsewhere there is no file in memory for the passphrase.", ErrorCode.Unsupported, RequestOutcome.NotSent);
        int descriptor = LibC.CreateMemoryFile("key", CloseOnExec);
        if (descriptor < 0)
            throw FileFailure.From(Marshal.GetLastPInvokeError(), "Making a file in memory");
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(file, secret.Reveal(), 0);
        return file;
    }
}
