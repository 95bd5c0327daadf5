using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;
using Microsoft.Win32.SafeHandles;
using ImageFormat = Hypervisor.Sdk.DiskImages.ImageFormat;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>What opens encrypted disks. Written down are names; what they stand for is asked for each time, and is in files that are only in memory.</summary>
[SupportedOSPlatform("linux")]
internal static class DiskKeys
{
    /// <summary>How QEMU and qemu-img say that a passphrase opens nothing.</summary>
    private const string Wrong = "Invalid password";

    /// <summary>Asks for a passphrase; null for what is not encrypted.</summary>
    /// <exception cref="HypervisorException">There is none of that name, or nobody keeps secrets.</exception>
    public static async Task<Secret?> GetAsync(QemuServices services, SecretReference? reference, CancellationToken cancellationToken)
    {
        if (reference is not { } named)
            return null;
        var provider = services.Options.Secrets
            ?? throw new HypervisorException($"The secret '{named.Name}' is needed, and this backend was given nobody who keeps secrets ({nameof(QemuOptions)}.{nameof(QemuOptions.Secrets)}).", ErrorCode.Unavailable, RequestOutcome.NotSent);
        Secret secret;
        try
        {
            secret = await provider.GetAsync(named, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not (HypervisorException or OperationCanceledException))
        {
            throw new HypervisorException($"The secret '{named.Name}' could not be got from who keeps it ({error.GetType().Name}).", ErrorCode.Unavailable, RequestOutcome.NotSent, error);
        }

        return secret.Reveal().Length > 0
            ? secret
            : throw new HypervisorException($"The secret '{named.Name}' is empty: it keeps nobody from anything. Keep a passphrase under that name.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
    }

    /// <summary>One of the machine's own images in an open file, which is opened by what its disk is opened by, now or in a snapshot.</summary>
    public static async Task<DiskImage> OwnImageAsync(MachineChange change, string name, SafeFileHandle file, CancellationToken cancellationToken)
    {
        var image = DiskImage.InFile(file, ImageFormat.Qcow2);
        if (!Qcow2Header.Read(file).IsEncrypted)
            return image;
        var disk = change.Services.State.ReadSnapshots(change.Id).Items.Select(snapshot => snapshot.Config).Prepend(change.Config).SelectMany(config => config.Disks)
            .FirstOrDefault(disk => disk.Passphrase is not null && (disk.File == name || disk.Backing.Any(below => below.File == name)));
        return image.WithPassphrase(await GetAsync(change.Services, disk?.Passphrase, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Hands to a running QEMU what a node needs that it is about to open.</summary>
    public static async Task AddAsync(MachineChange change, QmpClient client, DiskConfig disk, CancellationToken cancellationToken)
    {
        if (disk.Passphrase is { } passphrase)
            await AddAsync(change, client, BlockNode.PassphraseOf(disk.NodeName), passphrase, isBase64: false, cancellationToken).ConfigureAwait(false);
        if (disk.Remote is { Secret: { } login } remote)
            await AddAsync(change, client, BlockNode.LoginOf(disk), login, remote.Kind == RemoteConfig.Rbd, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Hands a secret to a running QEMU, instead of one of that id which it may have.</summary>
    public static async Task AddAsync(MachineChange change, QmpClient client, string id, SecretReference reference, bool isBase64, CancellationToken cancellationToken)
    {
        using var file = await SecretFile.OpenAsync(change.Services, reference, cancellationToken).ConfigureAwait(false);
        await RemoveAsync(client, id, cancellationToken).ConfigureAwait(false);
        await OpenFiles.HandAsync(change, client, file, path => change.Root.EffectAsync(
            $"hand secret to QEMU {change.Id}", async () => await client.ExecuteAsync("object-add", QapiAny.FromJson(BlockNode.SecretToJson(id, path, isBase64)), cancellationToken).ConfigureAwait(false)), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes from a running QEMU what opened a node that is closed.</summary>
    public static async Task RemoveAsync(QmpClient client, string id, CancellationToken cancellationToken)
    {
        try
        {
            await client.ObjectDelAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            // There was none.
        }
    }

    /// <summary>What an error means when it says that a passphrase opens nothing; null when it does not.</summary>
    /// <param name="disks">The disks that it can be about.</param>
    /// <param name="words">What QEMU said.</param>
    /// <param name="error">The error.</param>
    public static HypervisorException? WrongKey(IEnumerable<DiskConfig> disks, string? words, Exception error)
    {
        if (words is null || !words.Contains(Wrong, StringComparison.Ordinal))
            return null;
        var locked = disks.Where(disk => disk.Passphrase is not null).ToList();
        var about = locked.Where(disk => words.Contains($"\"{disk.NodeName}\"", StringComparison.Ordinal)).ToList() is { Count: > 0 } named ? named : locked;
        return new HypervisorException(
            $"The disk {string.Join(" or ", about.Select(disk => $"'{disk.Id}' is not opened by the secret '{disk.Passphrase!.Value.Name}'"))}: what is kept under that name is not the passphrase that it was encrypted with.",
            ErrorCode.Denied, RequestOutcome.Rejected, error) { BackendMessage = words };
    }
}
