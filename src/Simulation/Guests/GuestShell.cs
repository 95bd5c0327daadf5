using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The shell of simulated guests: runs scripts over a guest's files and programs. One script at a time.</summary>
internal sealed partial class GuestShell(IGuestSystem system)
{
    private const int MaxSteps = 1_000_000;
    private const int MaxPipeBytes = 16 << 20;

    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal)
    {
        ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin", ["HOME"] = "/root", ["USER"] = "root", ["SHELL"] = "/bin/sh", ["PWD"] = "/",
    };

    private readonly HashSet<string> _exported = new(StringComparer.Ordinal) { "PATH", "HOME", "USER", "SHELL", "PWD" };
    private IReadOnlyList<string> _positional = [];
    private int _steps;
    private int _depth;

    public string Directory { get; private set; } = "/";

    /// <summary>How the last command ended.</summary>
    public int ExitCode { get; private set; }

    /// <summary>Whether a script has said <c>exit</c>.</summary>
    public bool HasExited { get; private set; }

    public IReadOnlyDictionary<string, string> Environment => _variables.Where(variable => _exported.Contains(variable.Key)).OrderBy(variable => variable.Key, StringComparer.Ordinal).ToDictionary();

    public void Export(string name, string value)
    {
        _variables[name] = value;
        _exported.Add(name);
    }

    public bool TryEnter(string directory)
    {
        string path = GuestFileTree.Resolve(Directory, directory);
        if (system.Files.Find(path) is not { IsDirectory: true })
            return false;
        Directory = path;
        _variables["PWD"] = path;
        return true;
    }

    /// <summary>Whether there is a program of that name, or a file of that path that may be executed.</summary>
    public bool HasProgram(string name)
    {
        string plain = name[(name.LastIndexOf('/') + 1)..];
        return system.Programs.ContainsKey(plain) || plain is "sh" or "bash" or "ash" or "dash" || (name.Contains('/', StringComparison.Ordinal)
            ? system.Files.Find(GuestFileTree.Resolve(Directory, name)) is { IsDirectory: false }
            : GuestPrograms.Find(name) is not null);
    }

    /// <summary>Runs a program as it stands in a list: no shell reads the words.</summary>
    public async ValueTask<int> RunProgramAsync(IReadOnlyList<string> command, GuestStreams streams, CancellationToken cancellationToken) =>
        ExitCode = await StartAsync(command, Environment, streams, cancellationToken).ConfigureAwait(false);

    /// <summary>Runs a script and answers its exit code.</summary>
    /// <exception cref="ShellSyntaxException">It is no script.</exception>
    public async ValueTask<int> RunScriptAsync(string script, IReadOnlyList<string> positional, GuestStreams streams, CancellationToken cancellationToken)
    {
        var node = ShellParser.Parse(script);
        (_positional, _steps) = (positional, 0);
        try
        {
            await RunAsync(node, streams, cancellationToken).ConfigureAwait(false);
        }
        catch (Ended ended)
        {
            (ExitCode, HasExited) = (ended.Code, true);
        }
        catch (LoopLeft)
        {
            // Outside of a loop there is nothing to leave.
        }
        catch (ShellSyntaxException error)
        {
            streams.Error(Encoding.UTF8.GetBytes($"sh: {error.Message}\n"));
            ExitCode = 2;
        }
        catch (GuestKilledException killed)
        {
            streams.Error(Encoding.UTF8.GetBytes($"sh: {killed.Message}\n"));
            ExitCode = 137;
        }

        return ExitCode;
    }

    private async ValueTask RunAsync(ShellNode node, GuestStreams streams, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (++_steps > MaxSteps)
            throw new GuestKilledException($"Killed: more than {MaxSteps} steps");
        switch (node)
        {
            case ShellNode.Sequence sequence:
                foreach (var (link, item) in sequence.Items)
                {
                    if (link == ShellLink.Always || (link == ShellLink.And) == (ExitCode == 0))
                        await RunAsync(item, streams, cancellationToken).ConfigureAwait(false);
                }

                break;
            case ShellNode.Pipeline pipeline:
                await RunPipelineAsync(pipeline, streams, cancellationToken).ConfigureAwait(false);
                break;
            case ShellNode.If choice:
                await RunIfAsync(choice, streams, cancellationToken).ConfigureAwait(false);
                break;
            case ShellNode.Loop loop:
                int last = 0;
                while (await HoldsAsync(loop.Condition, streams, cancellationToken).ConfigureAwait(false) != loop.IsUntil && await RunBodyAsync(loop.Body, streams, cancellationToken).ConfigureAwait(false))
                    last = ExitCode;
                ExitCode = last;
                break;
            case ShellNode.For each:
                var values = each.Words is null ? [.. _positional] : await ExpandAsync(each.Words, streams, cancellationToken).ConfigureAwait(false);
                ExitCode = 0;
                foreach (string value in values)
                {
                    _variables[each.Variable] = value;
                    if (!await RunBodyAsync(each.Body, streams, cancellationToken).ConfigureAwait(false))
                        break;
                }

                break;
            case ShellNode.Group group:
                await RunGroupAsync(group, streams, cancellationToken).ConfigureAwait(false);
                break;
            case ShellNode.Simple simple:
                await RunSimpleAsync(simple, streams, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    /// <returns>Whether the loop goes on.</returns>
    private async ValueTask<bool> RunBodyAsync(ShellNode body, GuestStreams streams, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(body, streams, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (LoopLeft left) when (left.Levels > 1)
        {
            throw new LoopLeft(left.Levels - 1, left.IsBreak);
        }
        catch (LoopLeft left)
        {
            ExitCode = 0;
            return !left.IsBreak;
        }
    }

    private async ValueTask<bool> HoldsAsync(ShellNode condition, GuestStreams streams, CancellationToken cancellationToken)
    {
        await RunAsync(condition, streams, cancellationToken).ConfigureAwait(false);
        return ExitCode == 0;
    }

    private async ValueTask RunIfAsync(ShellNode.If choice, GuestStreams streams, CancellationToken cancellationToken)
    {
        foreach (var (condition, body) in choice.Branches)
        {
            if (await HoldsAsync(condition, streams, cancellationToken).ConfigureAwait(false))
            {
                await RunAsync(body, streams, cancellationToken).ConfigureAwait(false);
                return;
            }
        }

        ExitCode = 0;
        if (choice.Otherwise is not null)
            await RunAsync(choice.Otherwise, streams, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One command after the other: what the one before wrote is the next one's input, all of it.</summary>
    private async ValueTask RunPipelineAsync(ShellNode.Pipeline pipeline, GuestStreams streams, CancellationToken cancellationToken)
    {
        var input = streams.Input;
        for (int i = 0; i < pipeline.Commands.Count; i++)
        {
            var written = new MemoryStream();
            var its = streams with { Input = input };
            if (i < pipeline.Commands.Count - 1)
                its = its with { Output = bytes => Keep(written, bytes) };
            if (pipeline.Commands.Count > 1)
                await InSubshellAsync(pipeline.Commands[i], its, cancellationToken).ConfigureAwait(false);
            else
                await RunAsync(pipeline.Commands[i], its, cancellationToken).ConfigureAwait(false);
            input = GuestStreams.Of(written.ToArray());
        }

        if (pipeline.IsNegated)
            ExitCode = ExitCode == 0 ? 1 : 0;
    }

    private async ValueTask RunGroupAsync(ShellNode.Group group, GuestStreams streams, CancellationToken cancellationToken)
    {
        if (await RedirectAsync(group.Redirections, streams, cancellationToken).ConfigureAwait(false) is not { } redirected)
            return;
        if (group.IsSubshell)
            await InSubshellAsync(group.Body, redirected, cancellationToken).ConfigureAwait(false);
        else
            await RunAsync(group.Body, redirected, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What a subshell changes is gone with it.</summary>
    private async ValueTask InSubshellAsync(ShellNode node, GuestStreams streams, CancellationToken cancellationToken)
    {
        var (variables, exported, directory, positional) = (new Dictionary<string, string>(_variables, StringComparer.Ordinal), _exported.ToList(), Directory, _positional);
        try
        {
            await RunAsync(node, streams, cancellationToken).ConfigureAwait(false);
        }
        catch (Ended ended)
        {
            ExitCode = ended.Code;
        }
        finally
        {
            _variables.Clear();
            foreach (var (name, value) in variables)
                _variables[name] = value;
            _exported.Clear();
            _exported.UnionWith(exported);
            (Directory, _positional) = (directory, positional);
        }
    }

    private async ValueTask RunSimpleAsync(ShellNode.Simple simple, GuestStreams streams, CancellationToken cancellationToken)
    {
        var words = await ExpandAsync(simple.Words, streams, cancellationToken).ConfigureAwait(false);
        var assignments = new List<(string Name, string Value)>();
        foreach (var (name, value) in simple.Assignments)
        {
            assignments.Add((name, await ExpandToOneAsync(value, streams, cancellationToken).ConfigureAwait(false)));
            // Without a command each is there for the next.
            if (words.Count == 0)
                _variables[name] = assignments[^1].Value;
        }

        if (await RedirectAsync(simple.Redirections, streams, cancellationToken).ConfigureAwait(false) is not { } redirected)
            return;
        if (words.Count == 0)
        {
            if (simple.Words.Count == 0 && !simple.Assignments.Any(assignment => assignment.Value.Parts.Any(part => part.Kind == ShellPartKind.Command)))
                ExitCode = 0;
            return;
        }

        if (await TryBuiltinAsync(words, assignments, redirected, cancellationToken).ConfigureAwait(false) is { } code)
        {
            ExitCode = code;
            return;
        }

        var environment = new Dictionary<string, string>(Environment, StringComparer.Ordinal);
        foreach (var (name, value) in assignments)
            environment[name] = value;
        ExitCode = await StartAsync(words, environment, redirected, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<int> StartAsync(IReadOnlyList<string> words, IReadOnlyDictionary<string, string> environment, GuestStreams streams, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_depth > 32)
            throw new GuestKilledException("Killed: shells within shells, too many");
        var call = new GuestCall(system, words, Directory, environment, streams);
        string name = words[0];
        string plain = name[(name.LastIndexOf('/') + 1)..];
        try
        {
            if (system.Programs.TryGetValue(name, out var program) || system.Programs.TryGetValue(plain, out program))
                return await program(new SimulatedProgramCall(call), cancellationToken).ConfigureAwait(false) & 255;
            if (name.Contains('/', StringComparison.Ordinal) && system.Files.Find(call.Resolve(name)) is { } node)
                return await RunFileAsync(call, node, cancellationToken).ConfigureAwait(false);
            if (plain is "sh" or "bash" or "ash" or "dash")
                return await RunShellAsync(call, cancellationToken).ConfigureAwait(false);
            if (GuestPrograms.Find(plain) is { } known)
                return await known(call, cancellationToken).ConfigureAwait(false);
        }
        catch (GuestFileException error)
        {
            call.PrintError($"{plain}: {error.Message}\n");
            return 1;
        }

        streams.Error(Encoding.UTF8.GetBytes($"sh: {name}: not found\n"));
        return 127;
    }

    /// <summary>A file of the guest's as a program: a script, when it may be executed and says so.</summary>
    private async ValueTask<int> RunFileAsync(GuestCall call, GuestNode node, CancellationToken cancellationToken)
    {
        string path = call.Name;
        string plain = path[(path.LastIndexOf('/') + 1)..];
        if (node.IsDirectory || (node.Mode & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) == 0)
        {
            call.PrintError($"sh: {path}: Permission denied\n");
            return 126;
        }

        string text = Encoding.UTF8.GetString(node.Content.Span);
        if (text.StartsWith("#!", StringComparison.Ordinal) || GuestPrograms.Find(plain) is null)
            return await RunNestedAsync(text, [.. call.Arguments], call, cancellationToken).ConfigureAwait(false);
        return await GuestPrograms.Find(plain)!(call, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<int> RunShellAsync(GuestCall call, CancellationToken cancellationToken)
    {
        var arguments = call.Arguments;
        if (arguments.Count >= 2 && arguments[1] == "-c")
            return arguments.Count == 2 ? call.Fail("-c requires an argument", 2) : await RunNestedAsync(arguments[2], [arguments.Count > 3 ? arguments[3] : arguments[0], .. arguments.Skip(4)], call, cancellationToken).ConfigureAwait(false);
        if (arguments.Count >= 2)
            return await RunNestedAsync(Encoding.UTF8.GetString(system.Files.Read(call.Resolve(arguments[1])).Span), [.. arguments.Skip(1)], call, cancellationToken).ConfigureAwait(false);
        return await RunNestedAsync(Encoding.UTF8.GetString((await call.ReadAllAsync(cancellationToken).ConfigureAwait(false)).Span), [arguments[0]], call, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<int> RunNestedAsync(string script, IReadOnlyList<string> zeroAndPositional, GuestCall call, CancellationToken cancellationToken)
    {
        var shell = new GuestShell(system) { Directory = Directory, _depth = _depth + 1, _steps = _steps };
        shell._variables.Clear();
        foreach (var (name, value) in call.Environment)
            shell.Export(name, value);
        shell._variables["0"] = zeroAndPositional[0];
        try
        {
            return await shell.RunScriptAsync(script, [.. zeroAndPositional.Skip(1)], call.Streams, cancellationToken).ConfigureAwait(false);
        }
        catch (ShellSyntaxException error)
        {
            return call.Fail(error.Message, 2);
        }
        finally
        {
            _steps = Math.Max(_steps, shell._steps);
        }
    }

    /// <summary>The streams with what is redirected; null when that does not work, which has been said.</summary>
    private async ValueTask<GuestStreams?> RedirectAsync(IReadOnlyList<ShellRedirection> redirections, GuestStreams streams, CancellationToken cancellationToken)
    {
        foreach (var redirection in redirections)
        {
            string target = await ExpandToOneAsync(redirection.Target, streams, cancellationToken).ConfigureAwait(false);
            string path = GuestFileTree.Resolve(Directory, target);
            try
            {
                if (redirection.Kind == ShellRedirectionKind.Duplicate)
                    streams = (redirection.Descriptor, target) switch
                    {
                        (2, "1") => streams with { Error = streams.Output },
                        (1, "2") => streams with { Output = streams.Error },
                        (_, "0" or "1" or "2") => streams,
                        _ => throw new ShellSyntaxException($"{target}: bad file descriptor"),
                    };
                else if (redirection.Kind == ShellRedirectionKind.Read)
                    streams = streams with { Input = path == "/dev/null" ? GuestStreams.NoInput : GuestStreams.Of(system.Files.Read(path)) };
                else
                    streams = OpenOutput(redirection, path, streams);
            }
            catch (GuestFileException error)
            {
                streams.Error(Encoding.UTF8.GetBytes($"sh: can't {(redirection.Kind == ShellRedirectionKind.Read ? "open" : "create")} {target}: {error.Reason}\n"));
                ExitCode = 1;
                return null;
            }
        }

        return streams;
    }

    private GuestStreams OpenOutput(ShellRedirection redirection, string path, GuestStreams streams)
    {
        Action<ReadOnlyMemory<byte>> sink = static _ => { };
        if (path != "/dev/null")
        {
            system.Files.Write(path, default, append: redirection.Kind == ShellRedirectionKind.Append);
            var error = streams.Error;
            sink = bytes =>
            {
                try
                {
                    system.Files.Write(path, bytes, append: true);
                }
                catch (GuestFileException failure)
                {
                    error(Encoding.UTF8.GetBytes($"sh: write error: {failure.Reason}\n"));
                }
            };
        }

        return redirection.Descriptor == 2 ? streams with { Error = sink } : streams with { Output = sink };
    }

    private static void Keep(MemoryStream written, ReadOnlyMemory<byte> bytes)
    {
        if (written.Length + bytes.Length > MaxPipeBytes)
            throw new GuestKilledException("Killed: a pipe holds too much");
        written.Write(bytes.Span);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary><c>exit</c>.</summary>
    private sealed class Ended(int code) : Exception
    {
        public int Code { get; } = code;
    }

    /// <summary><c>break</c> and <c>continue</c>.</summary>
    private sealed class LoopLeft(int levels, bool isBreak) : Exception
    {
        public int Levels { get; } = levels;

        public bool IsBreak { get; } = isBreak;
    }
}
