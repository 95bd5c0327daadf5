using System.Buffers;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>A user of a container. The servers take numbers; names are looked up in the container's <c>/etc/passwd</c>.</summary>
/// <param name="Id">The number.</param>
/// <param name="Group">The number of the group; null for the server's choice.</param>
/// <param name="Name">The name, where it was asked for by it.</param>
/// <param name="Home">The home directory, where it was asked for by name.</param>
internal sealed record ContainerUser(uint Id, uint? Group, string? Name, string? Home)
{
    private const string Path = "/etc/passwd";
    private const int MaxFileBytes = 1 << 20;

    /// <summary>A number, two of them (<c>1000:1000</c>), or a name.</summary>
    /// <exception cref="HypervisorException">There is no user of the name (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static async Task<ContainerUser> FindAsync(LxdClient client, InstanceId id, string wanted, CancellationToken cancellationToken)
    {
        if (wanted.Split(':') is [var left, .. var right] && right.Length <= 1 && Number(left) is { } user && (right.Length == 0 || Number(right[0]) is not null))
            return new ContainerUser(user, right.Length == 0 ? null : Number(right[0]), null, null);
        return Find(await ReadAsync(client, id, cancellationToken).ConfigureAwait(false), wanted) ?? throw Refusal.Invalid("user", $"the container's {Path} has no user '{wanted}'.");
    }

    /// <summary>The line of a user (passwd(5)): what the guest has written, and believed only about the guest.</summary>
    internal static ContainerUser? Find(string file, string name)
    {
        foreach (string line in file.Split('\n'))
        {
            if (line.Split(':') is [var own, _, var user, var group, _, var home, ..] && own == name && Number(user) is { } number)
                return new ContainerUser(number, Number(group), name, home.StartsWith('/') ? home : null);
        }

        return null;
    }

    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;

    private static async Task<string> ReadAsync(LxdClient client, InstanceId id, CancellationToken cancellationToken)
    {
        try
        {
            var response = await client.InstanceFilesGetAsync(id.ToString(), new LxdCall { Path = Path }, cancellationToken).ConfigureAwait(false);
            await using (response.ConfigureAwait(false))
            {
                if (response.ContentLength > MaxFileBytes)
                    throw Refusal.Invalid("user", $"the container's {Path} is of {response.ContentLength} bytes, more than is read: give the user by number.");
                var text = await response.ReadSequenceAsync(cancellationToken).ConfigureAwait(false);
                return Encoding.UTF8.GetString(text.Slice(0, Math.Min(text.Length, MaxFileBytes)));
            }
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            return "";
        }
    }
}
