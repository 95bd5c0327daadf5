namespace Hypervisor.Sdk.Repository.Tests;

/// <summary>
/// Which way references may point. A foundation knows what lies beneath it; a driver or a capability knows the foundations and never another driver or capability;
/// nothing that ships knows the samples or the tests.
/// </summary>
internal static class Arrows
{
    private const string Abstractions = "Hypervisor.Sdk.Abstractions";
    private const string Transport = "Hypervisor.Sdk.Transport";
    private const string Core = "Hypervisor.Sdk";
    private const string DiskImages = "Hypervisor.Sdk.DiskImages";
    private const string Hosts = "Hypervisor.Sdk.Hosts";
    private const string Remote = "Hypervisor.Sdk.Remote";
    private const string Drivers = "Hypervisor.Sdk.Drivers";
    private const string Conformance = "Hypervisor.Sdk.Conformance";
    private const string CloudInit = "Hypervisor.Sdk.CloudInit";
    private const string Jobs = "Hypervisor.Sdk.Jobs";
    private const string JobsSqlite = "Hypervisor.Sdk.Jobs.Sqlite";
    private const string JobsPostgreSql = "Hypervisor.Sdk.Jobs.PostgreSql";
    private const string AspNetCore = "Hypervisor.Sdk.AspNetCore";

    /// <summary>The projects of this repository that <paramref name="project"/> may reference.</summary>
    public static IReadOnlyCollection<string> Beneath(string project) => project switch
    {
        Abstractions or Transport => [],
        Core or DiskImages => [Abstractions, Transport],
        Hosts => [Abstractions, DiskImages, Transport],
        Conformance or Drivers or CloudInit => [Abstractions],
        AspNetCore => [Abstractions, Core],
        Remote => [Abstractions, Core, Transport],
        Jobs => [Abstractions, Core],
        JobsPostgreSql or JobsSqlite => [Abstractions, Core, Jobs],
        _ => [Abstractions, Core, DiskImages, Drivers, Hosts, Remote, Transport],
    };

    /// <summary>What <paramref name="references"/> of <paramref name="project"/>, which are names of assemblies or packages, break the rule.</summary>
    public static IEnumerable<string> Violations(string project, IEnumerable<string> references) =>
        from reference in references
        where !Beneath(project).Contains(reference) && !IsOutsideAllowed(project, reference)
        select $"{project} references {reference}; it may know only the framework{string.Concat(Beneath(project).Select(name => ", " + name))}";

    // The framework, and the parts of the extensions that are interfaces and options; the host's own framework for what is written against it.
    private static bool IsOutsideAllowed(string project, string reference) =>
        reference is "System" or "netstandard" or "mscorlib" || reference.StartsWith("System.", StringComparison.Ordinal) || reference.StartsWith("Microsoft.Win32.", StringComparison.Ordinal)
        || IsInterfacesOfExtensions(reference)
        || IsDatabaseOfStore(project, reference)
        || (project == AspNetCore && (reference.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal) || reference.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)
            || reference.StartsWith("Microsoft.Net.", StringComparison.Ordinal)));

    /// <summary>True for the database that a store's package exists to bring along, and for no other package.</summary>
    public static bool IsDatabaseOfStore(string project, string name) =>
        (project == JobsSqlite && (name.StartsWith("Microsoft.Data.Sqlite", StringComparison.Ordinal) || name.StartsWith("SQLitePCLRaw.", StringComparison.Ordinal)))
        || (project == JobsPostgreSql && name == "Npgsql");

    /// <summary>True for <c>Microsoft.Extensions.*.Abstractions</c> and <c>Microsoft.Extensions.Options</c>.</summary>
    public static bool IsInterfacesOfExtensions(string name) =>
        name == "Microsoft.Extensions.Options"
        || (name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal) && name.EndsWith(".Abstractions", StringComparison.Ordinal));
}
