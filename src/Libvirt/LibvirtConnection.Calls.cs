using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt;

/// <content>What the generated calls are made of.</content>
public sealed partial class LibvirtConnection
{
    private ValueTask<T> CallAsync<TArguments, T>(LibvirtProcedure procedure, TArguments arguments, XdrRead<T> read, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments> => _session.CallAsync(procedure, arguments, read, null, _timeout, cancellationToken);

    private ValueTask CallAsync<TArguments>(LibvirtProcedure procedure, TArguments arguments, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments> => _session.CallAsync(procedure, arguments, _timeout, cancellationToken);

    private ValueTask<LibvirtStream> OpenReadingAsync<TArguments>(LibvirtProcedure procedure, TArguments arguments, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments> => OpenAsync(procedure, arguments, cancellationToken);

    private ValueTask<LibvirtStream<T>> OpenReadingAsync<TArguments, T>(LibvirtProcedure procedure, TArguments arguments, XdrRead<T> read, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments> => OpenAsync(procedure, arguments, read, cancellationToken);

    private ValueTask<LibvirtStream> OpenWritingAsync<TArguments>(LibvirtProcedure procedure, TArguments arguments, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments> => OpenAsync(procedure, arguments, cancellationToken);

    private ValueTask<LibvirtStream<T>> OpenWritingAsync<TArguments, T>(LibvirtProcedure procedure, TArguments arguments, XdrRead<T> read, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments> => OpenAsync(procedure, arguments, read, cancellationToken);

    private async ValueTask<LibvirtStream> OpenAsync<TArguments>(LibvirtProcedure procedure, TArguments arguments, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments>
    {
        var stream = LibvirtStream.Create(_session);
        await _session.CallAsync(procedure, arguments, static (ref XdrReader r) => false, stream, _timeout, cancellationToken).ConfigureAwait(false);
        return stream;
    }

    private async ValueTask<LibvirtStream<T>> OpenAsync<TArguments, T>(LibvirtProcedure procedure, TArguments arguments, XdrRead<T> read, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments>
    {
        var stream = LibvirtStream<T>.Create(_session);
        stream.Result = await _session.CallAsync(procedure, arguments, read, stream, _timeout, cancellationToken).ConfigureAwait(false);
        return stream;
    }
}
