using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using Hypervisor.Sdk.Libvirt;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Benchmarks.Libvirt;

/// <summary>One row of <see cref="LibvirtReport"/> in this process.</summary>
internal static class LibvirtRow
{
    public const string Command = "libvirt-row";

    private const int MaxWarmups = 60;

    /// <summary>libvirt-row URI OPERATION DEPTH WINDOWS CALLS: prints elapsed time, CPU and bytes for one call.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var (operation, depth, windows, calls) = (args[1], Number(args[2]), Number(args[3]), Number(args[4]));
        await using var libvirt = await LibvirtConnection.ConnectAsync(new LibvirtUri(args[0]), new LibvirtOptions { MaxClientRequests = 64 });
        var domain = (await libvirt.ConnectListAllDomainsAsync(1, 0)).Domains[0];
        if ((await libvirt.DomainGetInfoAsync(domain)).NrVirtCpu != 2)
            throw new InvalidOperationException("The domain is not the one that was defined.");

        // Until the JIT has nothing more to compile: what it takes in the background is no part of a call.
        for (int round = 0, quiet = 0; round < MaxWarmups && (quiet < 3 || round < MaxWarmups / 2); round++)
        {
            long compiled = JitInfo.GetCompiledMethodCount();
            await WindowAsync(libvirt, domain, operation, depth, calls);
            quiet = JitInfo.GetCompiledMethodCount() == compiled ? quiet + 1 : 0;
        }

        var elapsed = new List<double>(windows);
        var cpu = new List<double>(windows);
        for (int window = 0; window < windows; window++)
        {
            double before = ProcessClock.Microseconds;
            long start = Stopwatch.GetTimestamp();
            await WindowAsync(libvirt, domain, operation, depth, calls);
            elapsed.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / calls);
            cpu.Add((ProcessClock.Microseconds - before) / calls);
        }

        // In one go, because beginning and ending a window allocates for each caller.
        int many = calls * 5;
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        await WindowAsync(libvirt, domain, operation, depth, many);
        bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        elapsed.Sort();
        cpu.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{elapsed[windows / 2]} {cpu[windows / 2]} {(double)bytes / many}"));
        return 0;
    }

    private static Task WindowAsync(LibvirtConnection libvirt, VirDomain domain, string operation, int depth, int calls)
    {
        if (depth == 1)
            return RunAsync(libvirt, domain, operation, calls);
        var callers = new Task[depth];
        for (int i = 0; i < depth; i++)
            callers[i] = RunAsync(libvirt, domain, operation, calls / depth);
        return Task.WhenAll(callers);
    }

    private static async Task RunAsync(LibvirtConnection libvirt, VirDomain domain, string operation, int calls)
    {
        for (int i = 0; i < calls; i++)
        {
            switch (operation)
            {
                case "version":
                    await libvirt.ConnectGetLibVersionAsync();
                    break;
                case "info":
                    await libvirt.DomainGetInfoAsync(domain);
                    break;
                case "list":
                    if ((await libvirt.ConnectListAllDomainsAsync(1, 0)).Domains.Length < 1000)
                        throw new InvalidOperationException("Domains are missing.");
                    break;
                default:
                    if ((await libvirt.ConnectGetAllDomainStatsAsync([], 0, 0)).Length < 1000)
                        throw new InvalidOperationException("Statistics are missing.");
                    break;
            }
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
