using System.Diagnostics;
using Hypervisor.Sdk.Hosts.Tests.Lab;

[assembly: AssemblyFixture(typeof(SecondMachine))]

namespace Hypervisor.Sdk.Hosts.Tests.Lab;

/// <summary>
/// Another machine, as far as one machine can be two: namespaces of its own with a real sshd on port 22 of its own loopback, a host key and a list of authorized keys of its own. The ssh that reaches it is started in its network; /tmp
/// is the one place that both have.
/// </summary>
public sealed class SecondMachine : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Lock _gate = new();
    private Process? _machine;
    private bool _isReady;

    /// <summary>Its address.</summary>
    public static SshAddress Address { get; } = SshAddress.Parse("ssh://root@127.0.0.1");

    /// <summary>A path in the machine's private directory.</summary>
    public string this[string file] => _directory[file];

    /// <summary>Its network, as the processes in it say (namespaces(7)).</summary>
    public string Network => Path.GetFileName(new FileInfo($"/proc/{_machine!.Id}/ns/net").LinkTarget ?? "");

    /// <summary>A session with a known host key and an accepted key.</summary>
    public Task<SshHostSession> ConnectAsync(CancellationToken cancellationToken) => SshHostSession.ConnectAsync(Address, Options(), cancellationToken);

    /// <summary>The options of such a session.</summary>
    public SshOptions Options(string config = "ssh_config")
    {
        Begin();
        return new SshOptions { Program = this["ssh"], ConfigFile = this[config], Node = NodeName.Parse("second"), ConnectTimeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>Writes a configuration of ssh beside the regular one.</summary>
    public string Configure(string name, string knownHosts, string identity = "user_key")
    {
        File.WriteAllText(this[name + ".known"], knownHosts);
        File.WriteAllText(this[name], $"Host *\n  IdentityFile {this[identity]}\n  IdentitiesOnly yes\n  IdentityAgent none\n  GlobalKnownHostsFile none\n  UserKnownHostsFile {this[name + ".known"]}\n");
        return name;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // unshare takes everything inside along.
        _machine?.Kill();
        _machine?.WaitForExit();
        _machine?.Dispose();
        _directory.Dispose();
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (_isReady)
                return;
            if (_machine is not null)
                RealPeer.Absent("the second machine did not start");
            foreach (string program in (string[])["sshd", "ssh", "ssh-keygen", "unshare", "nsenter", "ip"])
                RealPeer.Program(program);
            if (Environment.UserName != "root")
                RealPeer.Absent("a second machine takes root, and this user is not");
            foreach (string key in (string[])["host_key", "user_key", "other_key"])
                Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", this[key]);
            File.Copy(this["user_key.pub"], this["authorized_keys"]);
            File.WriteAllText(
                this["sshd_config"],
                $"ListenAddress 127.0.0.1\nPort 22\nHostKey {this["host_key"]}\nAuthorizedKeysFile {this["authorized_keys"]}\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\nMaxStartups 100\n");
            var start = new ProcessStartInfo("unshare", ["--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child", Repository.PathOf("tests", "Hosts.Tests", "Lab", "second-machine"), this["sshd_config"]])
            {
                RedirectStandardError = true, RedirectStandardInput = true,
            };
            var machine = _machine = Process.Start(start)!;
            string said = "";
            while (machine.StandardError.ReadLine() is { } line)
            {
                said += line + "\n";
                if (line.StartsWith("Server listening", StringComparison.Ordinal))
                    break;
            }

            if (!said.Contains("Server listening", StringComparison.Ordinal))
                RealPeer.Absent($"sshd does not run in namespaces here: {said}");

            // What it says further nobody needs, but it must not wait for a reader.
            _ = machine.StandardError.BaseStream.CopyToAsync(Stream.Null);
            File.WriteAllText(this["ssh"], $"#!/bin/sh\nexec nsenter --net=/proc/{machine.Id}/ns/net ssh \"$@\"\n");
            File.SetUnixFileMode(this["ssh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Configure("ssh_config", KnownHost("host_key"));
            _isReady = true;
        }
    }

    /// <summary>The line of known_hosts that says that the machine has this key.</summary>
    public string KnownHost(string key) => $"127.0.0.1 {File.ReadAllText(this[key + ".pub"])}";

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
