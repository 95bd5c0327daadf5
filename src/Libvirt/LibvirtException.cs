using System.Globalization;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Rpc;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>libvirt answered a call with an error. Its own code, domain, level and strings are here as it sent them.</summary>
/// <remarks>virError of virterror.h. <see cref="HypervisorException.BackendCode"/> is <see cref="Number"/> in digits, <see cref="HypervisorException.BackendMessage"/> libvirt's message.</remarks>
public sealed class LibvirtException : HypervisorException
{
    internal LibvirtException(in VirError error, string endpoint, string procedure)
        : base($"{procedure} failed at {endpoint}: {error.Message ?? $"error {error.Code}"}", CodeOf(error), LibvirtErrors.OutcomeOf((VirErrorNumber)error.Code))
    {
        BackendCode = error.Code.ToString(CultureInfo.InvariantCulture);
        BackendMessage = error.Message;
        Number = (VirErrorNumber)error.Code;
        Domain = (VirErrorDomain)error.Domain;
        Level = (VirErrorLevel)error.Level;
        Str1 = error.Str1;
        Str2 = error.Str2;
        Str3 = error.Str3;
        Int1 = error.Int1;
        Int2 = error.Int2;
    }

    /// <summary>A daemon that is older than a procedure has no error of its own for it: the words of its dispatcher (virnetserverprogram.c) are all there is.</summary>
    private static ErrorCode CodeOf(in VirError error) =>
        (VirErrorNumber)error.Code == VirErrorNumber.ErrRpc && error.Message?.StartsWith("unknown procedure", StringComparison.Ordinal) == true ? ErrorCode.Unsupported : LibvirtErrors.CodeOf((VirErrorNumber)error.Code);

    /// <summary>Which error; a number of a newer libvirt keeps its value.</summary>
    public VirErrorNumber Number { get; }

    /// <summary>Which part of libvirt says so.</summary>
    public VirErrorDomain Domain { get; }

    /// <summary>How grave it is.</summary>
    public VirErrorLevel Level { get; }

    /// <summary>The first further string, or null.</summary>
    public string? Str1 { get; }

    /// <summary>The second further string, or null.</summary>
    public string? Str2 { get; }

    /// <summary>The third further string, or null.</summary>
    public string? Str3 { get; }

    /// <summary>The first further number.</summary>
    public int Int1 { get; }

    /// <summary>The second further number.</summary>
    public int Int2 { get; }
}
