using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>Stands before a client, or before a service of it, and lets a lie answer.</summary>
public class LyingProxy : DispatchProxy
{
    private object _honest = null!;
    private IBackend _client = null!;
    private int _number;
    private Func<object, object?> _answer = null!;

    internal static IBackend Wrap(IBackend client, int number, Lie lie) => (IBackend)Create(typeof(IBackend), client, client, number, lie);

    internal static object Create(Type service, object honest, IBackend client, int number, Lie lie)
    {
        var proxy = (LyingProxy)DispatchProxy.Create(service, typeof(LyingProxy));
        proxy._honest = honest;
        proxy._client = client;
        proxy._number = number;
        proxy._answer = call => lie.Answer((Call)call);
        proxy._wrap = (type, found) => Create(type, found, client, number, lie);
        return proxy;
    }

    private Func<Type, object, object> _wrap = null!;

    /// <inheritdoc />
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        object?[] arguments = args ?? [];
        var call = new Call(_client, _number, targetMethod!.Name, arguments, () => Honest(targetMethod, arguments)) { Parameters = [.. targetMethod.GetParameters().Select(parameter => parameter.ParameterType)] };
        object? answer = _answer(call);
        if (targetMethod.Name == nameof(IBackend.TryGet) && arguments[0] is { } service)
            arguments[0] = _wrap(targetMethod.GetGenericArguments()[0], service);
        return answer;
    }

    private object? Honest(MethodInfo method, object?[] arguments)
    {
        try
        {
            return method.Invoke(_honest, arguments);
        }
        catch (TargetInvocationException error)
        {
            ExceptionDispatchInfo.Throw(error.InnerException!);
            throw;
        }
    }
}
