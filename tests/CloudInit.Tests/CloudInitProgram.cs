using System.Diagnostics;
using System.Text.Json;

namespace Hypervisor.Sdk.CloudInit.Tests;

/// <summary>Debian's cloud-init, unpacked and not installed: the other opinion on every document.</summary>
internal static class CloudInitProgram
{
    private static readonly Lazy<Task<string?>> s_path = new(FindAsync);

    /// <summary>Has the document checked against the schema of cloud-init's modules.</summary>
    public static async Task CheckSchemaAsync(string userData)
    {
        using var temp = new TempDirectory();
        await File.WriteAllTextAsync(temp["user-data"], userData, TestContext.Current.CancellationToken);
        var (code, output, error) = await RunAsync(await PathAsync(), ["schema", "--config-file", temp["user-data"]]);
        Assert.True(code == 0, output + error);
    }

    /// <summary>Reads the document as cloud-init does, with PyYAML.</summary>
    public static async Task<JsonElement> ReadAsync(string yaml)
    {
        string packages = Path.Combine(Path.GetDirectoryName(await PathAsync())!, "usr/lib/python3/dist-packages");
        using var temp = new TempDirectory();
        await File.WriteAllTextAsync(temp["document"], yaml, TestContext.Current.CancellationToken);
        var (code, output, error) = await RunAsync("/usr/bin/python3", ["-c", "import sys, json; sys.path.insert(0, sys.argv[1]); import yaml; print(json.dumps(yaml.safe_load(open(sys.argv[2], encoding='utf-8'))))", packages, temp["document"]]);
        Assert.True(code == 0, error);
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>Has a network configuration turned into files of a system, and returns those.</summary>
    public static async Task<string> ConvertNetworkAsync(string networkConfig, string kind, params string[] macs)
    {
        using var temp = new TempDirectory();
        await File.WriteAllTextAsync(temp["network"], networkConfig, TestContext.Current.CancellationToken);
        Directory.CreateDirectory(temp["out"]);
        var (code, output, error) = await RunAsync(await PathAsync(), ["devel", "net-convert", "-p", temp["network"], "-k", "yaml", "-d", temp["out"], "-D", "debian", "-O", kind, .. macs.SelectMany(mac => new[] { "-m", mac })]);
        Assert.True(code == 0, output + error);
        return string.Join('\n', Directory.EnumerateFiles(temp["out"], "*", SearchOption.AllDirectories).Order().Select(file => $"== {Path.GetFileName(file)}\n{File.ReadAllText(file)}"));
    }

    public static async Task<(int Code, string Output, string Error)> RunAsync(string program, IEnumerable<string> arguments, string? input = null)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true } };
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    private static async Task<string> PathAsync()
    {
        if (await s_path.Value is { } path)
            return path;
        RealPeer.Absent("cloud-init is not unpacked (eng/cloud-init)");
        return "";
    }

    private static async Task<string?> FindAsync()
    {
        var (code, output, _) = await RunAsync(Repository.PathOf("eng", "cloud-init"), []);
        return code == 0 ? output.Trim() : null;
    }
}
