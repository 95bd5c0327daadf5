namespace Hypervisor.Sdk.Transport.Calls;

/// <summary>What <see cref="ReplyDelivery"/> has to know of the session whose replies it delivers.</summary>
public interface IReplySession
{
    /// <summary>How many calls wait for a reply. May be asked outside of the session's lock: it decides only whether the server is let write first.</summary>
    int CallsUnderWay { get; }

    /// <summary>Sends what callers wrote while their replies were delivered, where nobody else is sending: see <see cref="ReplyDelivery.IsDelivering"/>.</summary>
    void FlushDeferred();
}
