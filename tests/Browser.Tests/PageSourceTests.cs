using System.Diagnostics;
using System.Text.Json;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>The page's own tests and checks, which run in Node.</summary>
public sealed class PageSourceTests
{
    private static readonly string Web = Repository.PathOf("samples", "ReferenceHost", "web");

    [Fact(Timeout = 120_000)]
    public async Task The_pages_formatters_framing_and_forms_keep_their_rules()
    {
        await PageBuild.EnsureAsync();
        string output = await RunAsync("npm", "test");
        Assert.Contains("fail 0", output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_pages_TypeScript_is_strictly_typed()
    {
        await PageBuild.EnsureAsync();
        await RunAsync("npm", "run", "check");
    }

    [Fact]
    public async Task The_lock_file_names_every_package_by_hash_and_no_registry()
    {
        using JsonDocument lockFile = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Web, "package-lock.json"), TestContext.Current.CancellationToken));
        foreach (JsonProperty package in lockFile.RootElement.GetProperty("packages").EnumerateObject().Where(package => package.Name.Length > 0))
        {
            Assert.True(package.Value.TryGetProperty("integrity", out _), $"{package.Name} has no hash.");
            Assert.False(package.Value.TryGetProperty("resolved", out _), $"{package.Name} records where it came from.");
        }
    }

    [Fact]
    public async Task No_text_becomes_markup_or_code_in_the_page()
    {
        string[] forbidden = ["innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "document.write", "eval(", "new Function"];
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Web, "src"), "*.ts*", SearchOption.AllDirectories))
        {
            string text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            Assert.All(forbidden, word => Assert.False(text.Contains(word, StringComparison.Ordinal), $"{file} uses {word}."));
            Assert.True(text.Count(character => character == '\n') < 300, $"{file} has 300 lines or more.");
        }

        string index = await File.ReadAllTextAsync(Path.Combine(Web, "public", "index.html"), TestContext.Current.CancellationToken);
        Assert.DoesNotMatch("<script(?![^>]* src=)", index);
        Assert.DoesNotMatch(" on[a-z]+=", index);
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(RealPeer.Program(program)) { WorkingDirectory = Web, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string said = await output;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{said}{errors}");
        return said;
    }
}
