using System.Diagnostics.CodeAnalysis;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Migration;
using Hypervisor.Sdk.Remote;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>The way between two backends that see nothing of each other but channels, as those of two processes do. It is cut at a word of what one says to the other, or at its answer, and everything with it; and made again.</summary>
[SupportedOSPlatform("linux")]
internal sealed class CutWay
{
    private readonly Lock _gate = new();
    private readonly List<BackendChannel> _open = [];
    private readonly List<string> _words = [];
    private CancellationTokenSource _life = new();
    private (string Word, bool IsHeard)? _armed;

    /// <summary>What was said since the way was last made, each word once.</summary>
    public IReadOnlyList<string> Words
    {
        get
        {
            lock (_gate)
                return [.. _words.Distinct()];
        }
    }

    /// <summary>How often a word was said since the way was last made.</summary>
    public int CountOf(string word)
    {
        lock (_gate)
            return _words.Count(said => said == word);
    }

    public bool IsCut
    {
        get
        {
            lock (_gate)
                return _life.IsCancellationRequested;
        }
    }

    /// <summary>Begins to wait for a word.</summary>
    /// <param name="word">The word.</param>
    /// <param name="isHeard">Whether it still arrives, and what is done then is answered into nothing.</param>
    public void Arm(string word, bool isHeard)
    {
        lock (_gate)
            _armed = (word, isHeard);
    }

    public void Cut()
    {
        List<BackendChannel> cut;
        lock (_gate)
        {
            _life.Cancel();
            cut = [.. _open];
            _open.Clear();
            _armed = null;
        }

        foreach (var channel in cut)
            _ = channel.DisposeAsync().AsTask();
    }

    public void Restore()
    {
        lock (_gate)
        {
            _life = new CancellationTokenSource();
            _words.Clear();
            _armed = null;
        }
    }

    /// <summary>A backend at the other end.</summary>
    public IBackend To(Func<QemuBackend> backend) => new OtherEnd(this, backend);

    private async Task<BackendChannel> OpenAsync(IBackendChannels channels, string name, ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken)
    {
        CancellationToken life;
        lock (_gate)
            life = _life.Token;
        if (life.IsCancellationRequested)
            throw new BackendConnectionException("The way is cut.", ErrorCode.Unavailable, RequestOutcome.NotSent);
        var inner = await channels.OpenAsync(name, greeting, cancellationToken);
        var (own, other) = BackendChannel.CreatePair();
        lock (_gate)
            _open.AddRange([inner, own]);
        _ = name == MigrationWords.Calls
            ? Task.WhenAll(PassCallsAsync(own, inner), PassAnswersAsync(inner, own))
            : MigrationPipe.CarryAsync(new ChannelPipe(own), new ChannelPipe(inner), life);
        return other;
    }

    private async Task PassCallsAsync(BackendChannel from, BackendChannel to)
    {
        MigrationFrames source = new(from), target = new(to);
        while (await source.ReadAsync(MigrationJson.Default.MigrationCall, CancellationToken.None) is { } call)
        {
            bool isHere;
            lock (_gate)
            {
                _words.Add(call.Word);
                isHere = _armed == (call.Word, false);
                if (_armed == (call.Word, true))
                    _armed = ("", true);
            }

            if (isHere)
                Cut();
            else if (await target.TryWriteAsync(call, MigrationJson.Default.MigrationCall))
                continue;
            break;
        }

        await to.DisposeAsync();
        await from.DisposeAsync();
    }

    private async Task PassAnswersAsync(BackendChannel from, BackendChannel to)
    {
        MigrationFrames source = new(from), target = new(to);
        while (await source.ReadAsync(MigrationJson.Default.MigrationReply, CancellationToken.None) is { } reply)
        {
            bool isHere;
            lock (_gate)
                isHere = _armed == ("", true);
            if (isHere)
                Cut();
            else if (await target.TryWriteAsync(reply, MigrationJson.Default.MigrationReply))
                continue;
            break;
        }

        await to.DisposeAsync();
        await from.DisposeAsync();
    }

    private sealed class OtherEnd(CutWay way, Func<QemuBackend> backend) : IBackend, IBackendChannels
    {
        public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged
        {
            add { }
            remove { }
        }

        public BackendName Name => backend().Name;

        public BackendInfo Info => backend().Info;

        public BackendConnectionState ConnectionState => backend().ConnectionState;

        public Task<BackendChannel> OpenAsync(string name, ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken = default) => way.OpenAsync(backend().Get<IBackendChannels>(), name, greeting, cancellationToken);

        public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
            where TService : class
        {
            service = typeof(TService) == typeof(IBackendChannels) ? this as TService : null;
            return service is not null;
        }

        public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default) => backend().QueryAsync(capability, target, cancellationToken);

        public Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default) => backend().CheckHealthAsync(cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
