using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Conformance;

/// <summary>Runs checks against a target, one after the other, whatever the driver does: hangs, throws what is no exception of the contract, leaves things behind.</summary>
public sealed class CheckRunner : IAsyncDisposable
{
    private static readonly BackendName s_name = BackendName.Parse("conformance");
    private static readonly TimeSpan s_cleanUpDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_connectDeadline = TimeSpan.FromSeconds(60);

    /// <summary>A backend that gives no client so many times in a row gives none: each further check would wait for nothing.</summary>
    private const int MostConnectFailures = 2;

    /// <summary>How long a client that hangs is waited for before it is left alone.</summary>
    private static readonly TimeSpan s_letGoDeadline = TimeSpan.FromSeconds(5);

    private readonly ConformanceTarget _target;
    private readonly ConformanceOptions _options;
    private IBackend? _backend;
    private (string Kind, string ServerVersion) _info = ("", "");
    private string? _leftBehind;
    private string? _connectProblem;
    private int _connectFailures;
    private bool _isClean;
    private bool? _canAttach;

    /// <summary>Makes a runner. The target stays the caller's.</summary>
    /// <exception cref="FormatException"><see cref="ConformanceOptions.Sequence"/> is no sequence.</exception>
    public CheckRunner(ConformanceTarget target, ConformanceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        _target = target;
        _options = options ?? new ConformanceOptions();
        if (_options.Sequence is { } sequence)
            _ = Model.ModelStep.Parse(sequence);
    }

    /// <summary>The checks that the options select, in their order.</summary>
    public IEnumerable<ConformanceCheck> Selected() => ConformanceChecks.All.Where(check => _options.Only.Count == 0 || _options.Only.Any(only => check.Id.StartsWith(only, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Removes what an earlier run left, runs the selected checks, and removes what they made.</summary>
    /// <param name="onResult">Is told of each result as it comes. Default: nobody is.</param>
    /// <param name="cancellationToken">Ends the run after the check that is under way has been cleaned up.</param>
    /// <exception cref="HypervisorException">The backend cannot be connected at all.</exception>
    public async Task<ConformanceReport> RunAsync(Action<CheckResult>? onResult = null, CancellationToken cancellationToken = default)
    {
        var results = new List<CheckResult>();
        await TryClientAsync(cancellationToken).ConfigureAwait(false);
        foreach (var check in Selected())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var result = await RunAsync(check, cancellationToken).ConfigureAwait(false);
            results.Add(result);
            onResult?.Invoke(result);
        }

        return new ConformanceReport { Target = _target.Name, Kind = _info.Kind, ServerVersion = _info.ServerVersion, Seed = _options.Seed, Results = results };
    }

    /// <summary>Runs one check.</summary>
    /// <exception cref="HypervisorException">The backend cannot be connected at all.</exception>
    public async Task<CheckResult> RunAsync(ConformanceCheck check, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(check);
        if (check.IsLong && !_options.IncludeLong)
            return Result(check, CheckOutcome.Skipped, "It boots a guest or moves much data, and is part of a full run only.", TimeSpan.Zero);
        long begin = TimeProvider.System.GetTimestamp();
        if (await TryClientAsync(cancellationToken).ConfigureAwait(false) is not { } backend)
            return Result(check, CheckOutcome.Failed, _connectProblem, TimeProvider.System.GetElapsedTime(begin));
        var deadline = check.Deadline * _target.Patience;
        using var timeout = new CancellationTokenSource(deadline);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var context = new CheckContext(_target, backend, check.Id, _options, either.Token);
        var (outcome, message) = await RunBodyAsync(check, context, timeout, deadline, cancellationToken).ConfigureAwait(false);
        if (timeout.IsCancellationRequested)
        {
            // First what the check has disturbed: a new client may wait for just that.
            using var patience = new CancellationTokenSource(s_letGoDeadline);
            await MayHang.RunAsync(() => context.UndoAsync(patience.Token), patience.Token).ConfigureAwait(false);
            await ReconnectAsync().ConfigureAwait(false);
        }

        string? problem = await TryClientAsync(cancellationToken).ConfigureAwait(false) is { } client ? await CleanUpAsync(context, client).ConfigureAwait(false) : _connectProblem;
        if (problem is not null)
            await ReconnectAsync().ConfigureAwait(false);
        foreach (string trouble in new[] { problem, _leftBehind }.OfType<string>())
        {
            message = message is null ? trouble : $"{message} {trouble}";
            outcome = CheckOutcome.Failed;
        }

        _leftBehind = null;
        return Result(check, outcome, message, TimeProvider.System.GetElapsedTime(begin));
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync() => await ReconnectAsync().ConfigureAwait(false);

    /// <summary>What a driver threw, as a sentence for the report.</summary>
    internal static string Describe(Exception error) => error switch
    {
        CheckFailedException failed => failed.Message,
        HypervisorException known => $"The driver refused what it must do, with the code '{known.Code}' and the outcome {known.Outcome}: {known.Message}",
        OperationCanceledException => $"The driver threw an OperationCanceledException that nobody had asked for: {error.Message}",
        ArgumentException or ObjectDisposedException => $"The driver took a call for misuse that is none, with {error.GetType().Name}: {error.Message}",
        _ => $"The driver threw {error.GetType().FullName}, which is no exception of the contract (HypervisorException, ArgumentException, OperationCanceledException): {error.Message}",
    };

    [SuppressMessage("Design", "CA1031", Justification = "A driver that is checked may throw anything; all of it is a result.")]
    private async Task<(CheckOutcome Outcome, string? Message)> RunBodyAsync(ConformanceCheck check, CheckContext context, CancellationTokenSource timeout, TimeSpan deadline, CancellationToken cancellationToken)
    {
        try
        {
            var body = await MayHang.RunAsync(() => RunBodyAsync(check, context), context.Token).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (body is null)
                return (CheckOutcome.Failed, Hangs(deadline) + " It heeds no cancellation either.");
            return await body.ConfigureAwait(false) is { } reason ? (CheckOutcome.Skipped, reason) : (CheckOutcome.Passed, null);
        }
        catch (CheckSkippedException skipped)
        {
            return (CheckOutcome.Skipped, skipped.Message);
        }
        catch (CheckFailedException failed)
        {
            return (CheckOutcome.Failed, failed.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return (CheckOutcome.Failed, Hangs(deadline));
        }
        catch (Exception error)
        {
            return (CheckOutcome.Failed, Describe(error));
        }
    }

    /// <returns>Why the check is skipped; null when it was run.</returns>
    private async Task<string?> RunBodyAsync(ConformanceCheck check, CheckContext context)
    {
        context.CanAttach = _canAttach ??= await _target.MakeAttachmentAsync(context.Token).ConfigureAwait(false) is not null;
        foreach (var need in check.Needs)
        {
            if (await need.WhyNotAsync(context).ConfigureAwait(false) is { } reason)
                return reason;
        }

        await check.Body(context).ConfigureAwait(false);
        return null;
    }

    private static string Hangs(TimeSpan deadline) => FormattableString.Invariant($"The driver hangs: the check did not end within {deadline.TotalSeconds:0.#} s.");

    private static CheckResult Result(ConformanceCheck check, CheckOutcome outcome, string? message, TimeSpan took) =>
        new() { Id = check.Id, Sentence = check.Sentence, IsMandatory = check.IsMandatory, Outcome = outcome, Message = message, Took = took };

    private async Task<string?> CleanUpAsync(CheckContext context, IBackend client)
    {
        using var timeout = new CancellationTokenSource(s_cleanUpDeadline * _target.Patience);
        if (await MayHang.RunAsync(() => context.CleanUpAsync(client, timeout.Token), timeout.Token).ConfigureAwait(false) is not { } cleanUp)
            return "Removing what the check made hangs.";
        var problems = await cleanUp.ConfigureAwait(false);
        return problems.Count == 0 ? null : $"Removing what the check made failed: {string.Join(" ", problems)}";
    }

    /// <summary>The client of the next check; null when there is none, and why.</summary>
    /// <exception cref="HypervisorException">There has never been one.</exception>
    private async Task<IBackend?> TryClientAsync(CancellationToken cancellationToken)
    {
        if (_backend is not null)
            return _backend;
        if (_connectFailures >= MostConnectFailures)
            return null;
        var (client, problem) = await AttemptAsync("Connecting a client", s_connectDeadline, token => _target.ConnectAsync(s_name, token), cancellationToken).ConfigureAwait(false);
        if (client is null)
        {
            if (!_isClean)
                throw problem.InnerException as HypervisorException ?? new HypervisorException(problem.Message, ErrorCode.Unavailable, RequestOutcome.Rejected, problem.InnerException);
            _connectFailures++;
            _connectProblem = problem.Message;
            return null;
        }

        _connectFailures = 0;
        _backend = client;
        if (_isClean)
            return client;
        _isClean = true;
        (_, problem) = await AttemptAsync<object>("Asking what is connected", s_letGoDeadline, _ =>
        {
            _info = (client.Info.Kind, client.Info.ServerVersion);
            return Task.FromResult<object>(client);
        }, cancellationToken).ConfigureAwait(false);
        _leftBehind = problem?.Message;
        (_, problem) = await AttemptAsync<object>("Removing what an earlier run left", s_cleanUpDeadline, async token =>
        {
            await Leftovers.RemoveAsync(client, _target, _target.Prefix, token).ConfigureAwait(false);
            return client;
        }, cancellationToken).ConfigureAwait(false);
        _leftBehind = problem?.Message ?? _leftBehind;
        return client;
    }

    /// <summary>Does what may hang, or throw anything.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "A driver that is checked may throw anything; all of it is a result.")]
    private async Task<(T? Result, CheckFailedException Problem)> AttemptAsync<T>(string what, TimeSpan deadline, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
        where T : class
    {
        using var timeout = new CancellationTokenSource(deadline * _target.Patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var attempt = await MayHang.RunAsync(() => work(either.Token), either.Token).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            return attempt is not null ? (await attempt.ConfigureAwait(false), null!) : (null, new CheckFailedException($"{what} hangs, and heeds no cancellation."));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return (null, new CheckFailedException($"{what} hangs."));
        }
        catch (Exception error)
        {
            return (null, new CheckFailedException($"{what} failed. {Describe(error)}", error));
        }
    }

    /// <summary>Lets go of a client that hangs or is broken; the next check connects another.</summary>
    private async Task ReconnectAsync()
    {
        using var patience = new CancellationTokenSource(s_letGoDeadline);
        if (_backend is { } broken)
            await MayHang.RunAsync(() => broken.DisposeAsync().AsTask(), patience.Token).ConfigureAwait(false);
        _backend = null;
    }
}
