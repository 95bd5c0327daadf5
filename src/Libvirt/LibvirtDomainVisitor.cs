using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Rpc;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>
/// Looks at every domain of a daemon, or at every statistic of every domain, while the message is read: nothing is made for any of them. For one call at a time, and kept for the next. Visits come on the thread that reads from the
/// connection, one after the other; they must not block. A call that is cancelled may be visited later all the same: its visitor is not used again.
/// </summary>
public abstract class LibvirtDomainVisitor
{
    private const int MaxDomains = 16_384;
    private const int MaxParameters = 262_144;
    private const int LeastDomainBytes = 24;
    private const int LeastParameterBytes = 12;

    /// <summary>Makes a visitor.</summary>
    protected LibvirtDomainVisitor()
    {
        ReadDomains = ReadAllDomains;
        ReadStatistics = ReadAllStatistics;
    }

    internal XdrRead<int> ReadDomains { get; }

    internal XdrRead<int> ReadStatistics { get; }

    /// <summary>A domain. Statistics that come next are of this one.</summary>
    protected abstract void Visit(in LibvirtDomainView domain);

    /// <summary>A statistic of the domain that was visited last. Default: it is passed over.</summary>
    protected virtual void Visit(in LibvirtStatistic statistic)
    {
    }

    private int ReadAllDomains(ref XdrReader r)
    {
        int count = r.Count(MaxDomains, LeastDomainBytes);
        for (int i = 0; i < count; i++)
            VisitDomain(ref r);
        r.U32();
        return count;
    }

    private int ReadAllStatistics(ref XdrReader r)
    {
        int count = r.Count(MaxDomains, LeastDomainBytes + 4);
        for (int i = 0; i < count; i++)
        {
            VisitDomain(ref r);
            int parameters = r.Count(MaxParameters, LeastParameterBytes);
            for (int j = 0; j < parameters; j++)
                VisitStatistic(ref r);
        }

        return count;
    }

    [SuppressMessage("Design", "CA1031", Justification = "What a visitor throws is the end of its call, and not of the connection.")]
    private void VisitDomain(ref XdrReader r)
    {
        var name = r.Opaque(XdrLimits.MaxStringBytes);
        var domain = new LibvirtDomainView(name, r.Uuid(), r.I32());
        try
        {
            Visit(in domain);
        }
        catch (Exception error)
        {
            throw new VisitorFailedException(error);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "What a visitor throws is the end of its call, and not of the connection.")]
    private void VisitStatistic(ref XdrReader r)
    {
        var field = r.Opaque(XdrLimits.MaxStringBytes);
        var type = (VirTypedParameterType)r.I32();
        long bits = 0;
        ReadOnlySpan<byte> text = default;
        switch (type)
        {
            case VirTypedParameterType.Int or VirTypedParameterType.Boolean:
                bits = r.I32();
                break;
            case VirTypedParameterType.Uint:
                bits = r.U32();
                break;
            case VirTypedParameterType.Llong or VirTypedParameterType.Ullong or VirTypedParameterType.Double:
                bits = r.I64();
                break;
            case VirTypedParameterType.String:
                text = r.Opaque(XdrLimits.MaxStringBytes);
                break;
            default:
                throw new XdrException(string.Create(CultureInfo.InvariantCulture, $"{(int)type} is no kind of a typed parameter"));
        }

        var statistic = new LibvirtStatistic(field, type, bits, text);
        try
        {
            Visit(in statistic);
        }
        catch (Exception error)
        {
            throw new VisitorFailedException(error);
        }
    }
}
