using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Hypervisor.Sdk.Lxd.Operations;

/// <summary>Background work that the server keeps.</summary>
internal sealed class LxdWork(LxdClient client, LxdOperation begun, LxdFollowOptions options, RequestId requestId) : Operation<LxdOperation>
{
    private const int TokenVersion = 1;
    private const int Succeeded = 200;
    private const int Cancelled = 401;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    /// <summary>What is done at once has no id, and is over.</summary>
    private readonly string? _id = begun.Id is { Length: > 0 } id ? id : null;
    private readonly string _what = begun.Description is { Length: > 0 } words ? words : "The operation";

    public override OperationToken? Token => _id is null ? null : new OperationToken(TokenVersion, options.Backend, $"{_id}/{requestId}");

    public override RequestId RequestId => requestId;

    public static (string Id, RequestId Request) Parse(OperationToken token, BackendName backend)
    {
        string[] parts = token.IsDefault ? [] : token.Value.Split('/');
        if (token.Version != TokenVersion || token.Backend != backend || parts.Length != 2 || !Guid.TryParseExact(parts[0], "D", out _) || !RequestId.TryParse(parts[1], null, out var request))
            throw new ArgumentException($"'{token}' is no token of an operation of '{backend}'.", nameof(token));
        return (parts[0], request);
    }

    public override async Task<LxdOperation> WaitAsync(CancellationToken cancellationToken = default)
    {
        if (_id is null)
            return begun;
        try
        {
            return await client.WaitAsync(_id, _what, cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException error) when (IsDropped(error))
        {
            return await SettleAsync(error, cancellationToken).ConfigureAwait(false);
        }
    }

    public override async ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default)
    {
        if (_id is null)
            return new OperationProgress { State = OperationState.Succeeded, Fraction = 1 };
        try
        {
            return ProgressOf((await client.OperationGetAsync(_id, cancellationToken: cancellationToken).ConfigureAwait(false)).Value);
        }
        catch (LxdException error) when (IsDropped(error))
        {
            return await LookAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public override async Task<bool> TryCancelAsync(CancellationToken cancellationToken = default)
    {
        if (_id is null)
            return false;
        try
        {
            if ((await client.OperationGetAsync(_id, cancellationToken: cancellationToken).ConfigureAwait(false)).Value is not { MayCancel: true, StatusCode: >= 100 and < 200 })
                return false;
            await client.OperationDeleteAsync(_id, cancellationToken: cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (LxdException)
        {
            // It has ended, or has come to where it cannot be cancelled.
            return false;
        }
    }

    public override async IAsyncEnumerable<OperationProgress> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (_id is null)
        {
            yield return await GetProgressAsync(cancellationToken).ConfigureAwait(false);
            yield break;
        }

        var events = await client.WatchAsync(new LxdEventOptions { Types = [LxdEventOptions.OperationEvents], AllProjects = true }, cancellationToken).ConfigureAwait(false);
        await using (((IAsyncDisposable)events).ConfigureAwait(false))
        {
            var moment = await GetProgressAsync(cancellationToken).ConfigureAwait(false);
            yield return moment;
            if (moment.State != OperationState.Running)
                yield break;
            await foreach (var news in ((IAsyncEnumerable<LxdNews>)events).WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                var told = news.Event?.Metadata?.Deserialize(LxdJson.Default.LxdOperation);
                if (!news.IsGap && told?.Id != _id)
                    continue;
                moment = news.IsGap ? await GetProgressAsync(cancellationToken).ConfigureAwait(false) : ProgressOf(told!);
                yield return moment;
                if (moment.State != OperationState.Running)
                    yield break;
            }
        }
    }

    /// <summary>The share that is done, from the words that servers leave in the metadata: <c>"progress": {"percent": "45"}</c>, <c>"download_progress": "rootfs: 45% (1.2MB/s)"</c>.</summary>
    internal static double? FractionOf(IDictionary<string, JsonElement>? metadata)
    {
        if (metadata is null)
            return null;
        if (metadata.TryGetValue("progress", out var progress) && progress.ValueKind == JsonValueKind.Object && progress.TryGetProperty("percent", out var percent) && Share(percent.ToString()) is { } share)
            return share;
        string? words = StageOf(metadata);
        int end = words?.IndexOf('%', StringComparison.Ordinal) ?? -1;
        int begin = end;
        while (begin > 0 && char.IsAsciiDigit(words![begin - 1]))
            begin--;
        return end > begin ? Share(words![begin..end]) : null;

        static double? Share(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= 100 ? number / 100.0 : null;
    }

    private static string? StageOf(IDictionary<string, JsonElement>? metadata) =>
        metadata?.Where(entry => entry.Key.EndsWith("_progress", StringComparison.Ordinal) && entry.Value.ValueKind == JsonValueKind.String).Select(entry => entry.Value.GetString()).FirstOrDefault();

    private static bool IsDropped(LxdException error) => error.Code == ErrorCode.NotFound && error.Outcome == RequestOutcome.Rejected;

    private OperationProgress ProgressOf(LxdOperation operation) => operation.StatusCode switch
    {
        >= 100 and < 200 => new OperationProgress { State = OperationState.Running, Fraction = FractionOf(operation.Metadata), Stage = StageOf(operation.Metadata) ?? operation.Description },
        Succeeded => new OperationProgress { State = OperationState.Succeeded, Fraction = 1 },
        Cancelled => new OperationProgress { State = OperationState.Cancelled, Error = LxdClient.FailureOf(operation, _what) },
        _ => new OperationProgress { State = OperationState.Failed, Error = LxdClient.FailureOf(operation, _what) },
    };

    private async Task<LxdOperation> SettleAsync(LxdException dropped, CancellationToken cancellationToken)
    {
        while (true)
        {
            var moment = await LookAsync(cancellationToken).ConfigureAwait(false);
            switch (moment.State)
            {
                case OperationState.Succeeded:
                    return new LxdOperation { Id = _id, Description = begun.Description, Status = "Success", StatusCode = Succeeded, Resources = begun.Resources };
                case OperationState.Running:
                    await Task.Delay(s_pause, cancellationToken).ConfigureAwait(false);
                    continue;
                default:
                    throw moment.Error ?? new HypervisorException($"The server no longer keeps the operation {_id}, and nobody knows what became of it: look at what it was to change.", ErrorCode.NotFound, RequestOutcome.Unknown, dropped);
            }
        }
    }

    /// <summary>What became of the request, by what it left.</summary>
    private async Task<OperationProgress> LookAsync(CancellationToken cancellationToken)
    {
        var found = options.Log is { } log ? await log.LookUpAsync(requestId, cancellationToken).ConfigureAwait(false) : null;
        return found?.State switch
        {
            RequestState.Succeeded => new OperationProgress { State = OperationState.Succeeded, Fraction = 1 },
            RequestState.Running => new OperationProgress { State = OperationState.Running },
            RequestState.Failed => new OperationProgress
            {
                State = OperationState.Failed, Error = found.Error ?? new HypervisorException($"{_what} failed. The server no longer says why.", ErrorCode.Unspecified, RequestOutcome.FailedMidway),
            },
            _ => new OperationProgress { State = OperationState.Unknown },
        };
    }
}
