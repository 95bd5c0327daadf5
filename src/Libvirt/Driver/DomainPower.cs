using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Switches domains on and off, for whoever has one to himself.</summary>
internal sealed class DomainPower(LibvirtDomains domains, TimeProvider time)
{
    /// <summary>A guest that has not heard the power button hears it again.</summary>
    private static readonly TimeSpan s_pressAgain = TimeSpan.FromSeconds(5);

    public static void RefuseStart(DomainFacts facts)
    {
        if (facts.State == PowerState.Paused)
            throw Refusal.InvalidState(facts.Id, $"'{facts.View.Name}' is paused: resume it.");
    }

    /// <summary>Boots it, or goes on with what was saved. One that runs is left alone.</summary>
    public static async Task StartAsync(DomainChange change, CancellationToken cancellationToken)
    {
        var facts = change.Before;
        if (facts.State == PowerState.Running)
        {
            await change.EndAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        await change.BeginAsync(cancellationToken).ConfigureAwait(false);
        if (facts.IsActive)
            await DestroyAsync(change, cancellationToken).ConfigureAwait(false);
        await BootAsync(change, null, cancellationToken).ConfigureAwait(false);
        await change.EndAsync(cancellationToken, isStopped: false).ConfigureAwait(false);
    }

    /// <summary>Stops it as the options say. One that is not kept by the daemon is gone then.</summary>
    public async Task StopAsync(DomainChange change, StopOptions options, CancellationToken cancellationToken)
    {
        if (change.Before.State == PowerState.Stopped)
        {
            await change.EndAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        await change.BeginAsync(cancellationToken).ConfigureAwait(false);
        await OffAsync(change, options, cancellationToken).ConfigureAwait(false);
        if (change.Before.IsPersistent)
            await change.EndAsync(cancellationToken, isStopped: change.Before.State == PowerState.Crashed ? true : null).ConfigureAwait(false);
    }

    /// <summary>Stops it, and starts it anew from whatever state.</summary>
    public async Task RestartAsync(DomainChange change, StopOptions options, CancellationToken cancellationToken)
    {
        await change.BeginAsync(cancellationToken).ConfigureAwait(false);
        // One that the daemon does not keep is gone when it is off, and made again of what it was.
        string? again = change.Before.IsPersistent ? null : await change.Libvirt.DomainGetXmlDescAsync(change.Domain, LibvirtDomains.Inactive | LibvirtDomains.Secure, cancellationToken).ConfigureAwait(false);
        if (change.Before.State != PowerState.Stopped)
            await OffAsync(change, options, cancellationToken).ConfigureAwait(false);
        await BootAsync(change, again, cancellationToken).ConfigureAwait(false);
        await change.EndAsync(cancellationToken, isStopped: false).ConfigureAwait(false);
    }

    /// <summary>Switches it off without asking the guest; what was saved is thrown away.</summary>
    public async Task OffAtOnceAsync(DomainChange change, CancellationToken cancellationToken) =>
        await OffAsync(change, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken).ConfigureAwait(false);

    private async Task OffAsync(DomainChange change, StopOptions options, CancellationToken cancellationToken)
    {
        var facts = change.Before;
        if (facts.State == PowerState.Suspended)
        {
            await change.DoAsync(change.Libvirt.DomainManagedSaveRemoveAsync(facts.Domain, 0, cancellationToken)).ConfigureAwait(false);
            // libvirt has no event for it.
            change.News.Tell(facts, PowerState.Stopped);
        }
        else if (!facts.IsActive)
        {
            change.News.Tell(facts, PowerState.Stopped);
        }
        else if (facts.State != PowerState.Running || options.GracePeriod == TimeSpan.Zero || !await ShutDownAsync(change, options.GracePeriod, cancellationToken).ConfigureAwait(false))
        {
            if (facts.State == PowerState.Running && options is { ForceAfterGrace: false } && options.GracePeriod > TimeSpan.Zero)
                throw new HypervisorException($"'{facts.View.Name}' did not shut down within {options.GracePeriod.TotalSeconds:0.#} s, and runs on.", ErrorCode.Timeout, RequestOutcome.FailedMidway) { Resource = $"instance {facts.Id}" };
            await DestroyAsync(change, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Asks the guest to shut down, again and again, and waits.</summary>
    private async Task<bool> ShutDownAsync(DomainChange change, TimeSpan grace, CancellationToken cancellationToken)
    {
        change.Progress.Say("waiting for the guest to shut down");
        using var stopped = change.News.Expect(change.Domain.Uuid, VirDomainEventType.Stopped);
        long begin = time.GetTimestamp();
        for (int asked = 0; ; asked++)
        {
            try
            {
                await change.Libvirt.DomainShutdownFlagsAsync(change.Domain, change.Before.Config.IsContainer ? WordFor(asked) : 0, cancellationToken).ConfigureAwait(false);
            }
            catch (LibvirtException error) when (error.Code == ErrorCode.InvalidState || change.Before.Config.IsContainer)
            {
                // It is on its way already, or gone, or has no such pipe: the look below tells.
            }

            var rest = grace - time.GetElapsedTime(begin);
            try
            {
                if (rest > TimeSpan.Zero)
                    await stopped.Heard.Task.WaitAsync(rest < s_pressAgain ? rest : s_pressAgain, time, cancellationToken).ConfigureAwait(false);
                else if (!stopped.Heard.Task.IsCompleted)
                    return false;
                return true;
            }
            catch (TimeoutException)
            {
                if (await domains.FindAsync(change.Domain.Uuid, cancellationToken).ConfigureAwait(false) is not { IsActive: true })
                    return true;
            }
        }
    }

    /// <summary>
    /// How a container's init is told: by a signal, which ends a program, or by the pipe that an init like System V's reads. Asked to choose by itself, the daemon tries the pipe and takes a missing one for success.
    /// </summary>
    private static uint WordFor(int asked) => (uint)(asked % 2 == 0 ? VirDomainShutdownFlagValues.Signal : VirDomainShutdownFlagValues.Initctl);

    private static async Task DestroyAsync(DomainChange change, CancellationToken cancellationToken)
    {
        using var told = change.News.Expect(change.Domain.Uuid, VirDomainEventType.Stopped);
        try
        {
            await change.DoAsync(change.Libvirt.DomainDestroyAsync(change.Domain, cancellationToken)).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrOperationInvalid or VirErrorNumber.ErrNoDomain)
        {
            // It has ended by itself meanwhile.
        }

        await told.ToldAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts what is off: what the daemon keeps, or a document.</summary>
    public static Task BootAsync(DomainChange change, string? document, CancellationToken cancellationToken) =>
        change.DoAndTellAsync(
            VirDomainEventType.Started,
            async () => _ = document is null
                ? await change.Libvirt.DomainCreateWithFlagsAsync(change.Domain, 0, cancellationToken).ConfigureAwait(false)
                : await change.Libvirt.DomainCreateXmlAsync(document, 0, cancellationToken).ConfigureAwait(false),
            cancellationToken);
}
