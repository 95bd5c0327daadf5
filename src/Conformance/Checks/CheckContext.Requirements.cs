using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hypervisor.Sdk.Conformance;

/// <content>Ways to say what must hold.</content>
[SuppressMessage("Performance", "CA1822", Justification = "What a check requires is said through its context, whether or not that has a part in it.")]
public sealed partial class CheckContext
{
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Fails the check when something does not hold.</summary>
    /// <param name="holds">Whether it does.</param>
    /// <param name="otherwise">What was found instead, as a sentence.</param>
    public void Require([DoesNotReturnIf(false)] bool holds, string otherwise)
    {
        if (!holds)
            throw new CheckFailedException(otherwise);
    }

    /// <summary>Fails the check when a value is not the one that it must be.</summary>
    public void RequireEqual<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new CheckFailedException($"{what} is {Print(actual)}; it must be {Print(expected)}.");
    }

    /// <summary>Skips the check: there is nothing to find out.</summary>
    [DoesNotReturn]
    public void Skip(string reason) => throw new CheckSkippedException(reason);

    /// <summary>Requires that a call is refused, with one of these codes, and that nothing happened: the outcome is <see cref="RequestOutcome.NotSent"/> or <see cref="RequestOutcome.Rejected"/>.</summary>
    /// <returns>What the driver threw.</returns>
    public async Task<HypervisorException> RefusedAsync(string what, Func<Task> call, params ErrorCode[] codes)
    {
        var error = await FailsAsync(what, call, codes).ConfigureAwait(false);
        Require(error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected, $"{what} is refused ({error.Code}), but with the outcome {error.Outcome}: a refusal changes nothing, its outcome is NotSent or Rejected.");
        return error;
    }

    /// <summary>Requires that a call fails with one of these codes, whatever its outcome.</summary>
    public async Task<HypervisorException> FailsAsync(string what, Func<Task> call, params ErrorCode[] codes)
    {
        ArgumentNullException.ThrowIfNull(call);
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            Require(codes.Length == 0 || codes.Contains(error.Code), $"{what} fails with the code '{error.Code}'; it must be {string.Join(" or ", codes.Select(code => $"'{code}'"))}. The message was: {error.Message}");
            Require(!string.IsNullOrWhiteSpace(error.Message), $"{what} fails with '{error.Code}' and an empty message.");
            return error;
        }

        throw new CheckFailedException($"{what} succeeds; it must fail with {string.Join(" or ", codes.Select(code => $"'{code}'"))}.");
    }

    /// <summary>Requires that a call is misuse: it throws an <see cref="ArgumentException"/>.</summary>
    public async Task MisusedAsync(string what, Func<Task> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (ArgumentException)
        {
            return;
        }

        throw new CheckFailedException($"{what} is accepted; it is misuse and must throw an ArgumentException.");
    }

    /// <summary>Requires that a call is refused (invalid-argument), or is misuse: where a value may be called either.</summary>
    public async Task RefusedOrMisusedAsync(string what, Func<Task> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (ArgumentException)
        {
            return;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.InvalidArgument && error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected)
        {
            return;
        }

        throw new CheckFailedException($"{what} is accepted; it must be refused (invalid-argument).");
    }

    /// <summary>Asks again until an answer is as it must be, up to the deadline of the check.</summary>
    public async Task<T> EventuallyAsync<T>(string what, Func<Task<T>> ask, Func<T, bool> until)
    {
        ArgumentNullException.ThrowIfNull(ask);
        ArgumentNullException.ThrowIfNull(until);
        T answer = await ask().ConfigureAwait(false);
        try
        {
            while (!until(answer))
            {
                await Target.PassTimeAsync(s_pollInterval, Token).ConfigureAwait(false);
                answer = await ask().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (Token.IsCancellationRequested)
        {
            throw new CheckFailedException($"{what} never came to be; the last answer was {Print(answer)}.");
        }

        return answer;
    }

    /// <summary>Does something as soon as whoever works on the instance lets go of it.</summary>
    internal Task UnlockedAsync(string what, Func<Task> call) => EventuallyAsync(what, async () =>
    {
        try
        {
            await call().ConfigureAwait(false);
            return true;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Locked)
        {
            return false;
        }
    }, static isDone => isDone);

    internal static string Print<T>(T value) => value switch
    {
        null => "nothing",
        string text => $"'{text}'",
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        IEnumerable<string> list => "[" + string.Join(", ", list) + "]",
        IFormattable formattable => $"'{formattable.ToString(null, CultureInfo.InvariantCulture)}'",
        _ => $"'{value}'",
    };
}
