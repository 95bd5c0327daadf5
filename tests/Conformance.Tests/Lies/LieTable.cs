namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>For each check, the lie that it must find.</summary>
internal static partial class LieTable
{
    public static IReadOnlyDictionary<string, Lie> All { get; } = Backends().Concat(LifeCycle()).Concat(States()).Concat(Requests()).Concat(Lists()).Concat(Events()).Concat(Plans()).Concat(Errors()).Concat(Snapshots()).Concat(Features()).Concat(Storage()).Concat(Capabilities()).Concat(Models())
        .ToDictionary(lie => lie.Check, StringComparer.Ordinal);

    /// <summary>Further lies of sentences that can be broken in more than one way.</summary>
    public static IReadOnlyList<Lie> Further { get; } = [.. FalseReasons(), .. EmptyPromises(), .. FurtherBackends(), .. FurtherStates(), .. FurtherRequests()];

    /// <summary>A lie of one method.</summary>
    private static Lie On(string check, LieBase @base, string what, string method, Func<Call, object?> answer) => new(check, @base, what, call => call.Method == method ? answer(call) : call.Next());

    /// <summary>A lie of one method that answers later.</summary>
    private static Lie OnAsync<T>(string check, LieBase @base, string what, string method, Func<Call, Task<T>> answer) => On(check, @base, what, method, call => answer(call));

    /// <summary>A lie about instances, wherever they are said.</summary>
    private static Lie Saying(string check, LieBase @base, string what, Func<Instance, Instance> change) => new(check, @base, what, call => Answers.Instances(call.Next(), change));

    /// <summary>A lie about events.</summary>
    private static Lie Telling(string check, LieBase @base, string what, Func<BackendEvent, IEnumerable<BackendEvent>> change) => On(check, @base, what, "WatchAsync", call => Answers.Events(call.Next(), change));

    /// <summary>A lie about what became of requests.</summary>
    private static Lie LookingUp(string check, LieBase @base, string what, RequestState state) => On(check, @base, what, "LookUpAsync", call => ((RequestId)call.Arguments[0]!).IsDefault ? call.Next() : Task.FromResult(new RequestLookup { State = state }));

    /// <summary>A part of the request is not read.</summary>
    private static Lie Without(string check, LieBase @base, string what, string method, string requestOption) => On(check, @base, what, method, call => call.NextWithout(requestOption));

    /// <summary>A refusal is said in another way.</summary>
    private static Lie Refusing<T>(string check, LieBase @base, string what, string method, Func<HypervisorException, Exception> other) => On(check, @base, what, method, call => Answers.Refused<T>(call, other));
}
