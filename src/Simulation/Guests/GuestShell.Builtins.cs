using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

internal sealed partial class GuestShell
{
    /// <returns>The exit code; null where it is no builtin.</returns>
    private async ValueTask<int?> TryBuiltinAsync(List<string> words, List<(string Name, string Value)> assignments, GuestStreams streams, CancellationToken cancellationToken)
    {
        switch (words[0])
        {
            case ":":
                return 0;
            case "exit":
                throw new Ended(words.Count > 1 ? Number(words[1]) & 255 : ExitCode);
            case "break" or "continue":
                throw new LoopLeft(words.Count > 1 ? Math.Max(1, Number(words[1])) : 1, words[0] == "break");
            case "cd":
                string to = words.Count > 1 ? words[1] : _variables.GetValueOrDefault("HOME", "/");
                return TryEnter(to) ? 0 : Say(streams, $"cd: can't cd to {to}: No such file or directory", 2);
            case "pwd":
                streams.Output(Encoding.UTF8.GetBytes(Directory + "\n"));
                return 0;
            case "export":
                return Export(words, streams);
            case "unset":
                foreach (string name in words.Skip(1))
                {
                    _variables.Remove(name);
                    _exported.Remove(name);
                }

                return 0;
            case "set":
                foreach (var (name, value) in _variables.OrderBy(variable => variable.Key, StringComparer.Ordinal))
                    streams.Output(Encoding.UTF8.GetBytes($"{name}='{value}'\n"));
                return 0;
            case "shift":
                int count = words.Count > 1 ? Number(words[1]) : 1;
                if (count > _positional.Count)
                    return Say(streams, "shift: can't shift that many", 1);
                _positional = [.. _positional.Skip(count)];
                return 0;
            case "read":
                return await ReadLineAsync(words, streams, cancellationToken).ConfigureAwait(false);
            case "eval":
                await RunAsync(ShellParser.Parse(string.Join(' ', words.Skip(1))), streams, cancellationToken).ConfigureAwait(false);
                return ExitCode;
            case "." when words.Count > 1:
                await RunAsync(ShellParser.Parse(Encoding.UTF8.GetString(system.Files.Read(GuestFileTree.Resolve(Directory, words[1])).Span)), streams, cancellationToken).ConfigureAwait(false);
                return ExitCode;
            case "exec" when words.Count > 1:
                throw new Ended(await StartAsync(words[1..], Environment, streams, cancellationToken).ConfigureAwait(false));
            case "command" when words is [_, "-v", var wanted]:
                if (GuestPrograms.Find(wanted) is null && !system.Programs.ContainsKey(wanted))
                    return 127;
                streams.Output(Encoding.UTF8.GetBytes(wanted + "\n"));
                return 0;
            default:
                return null;
        }
    }

    private static int Number(string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : throw new ShellSyntaxException($"Illegal number: {text}");

    private static int Say(GuestStreams streams, string problem, int code)
    {
        streams.Error(Encoding.UTF8.GetBytes($"sh: {problem}\n"));
        return code;
    }

    private int Export(List<string> words, GuestStreams streams)
    {
        foreach (string word in words.Skip(1))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? word : word[..equals];
            if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                return Say(streams, $"export: {name}: bad variable name", 2);
            if (equals >= 0)
                _variables[name] = word[(equals + 1)..];
            _exported.Add(name);
        }

        return 0;
    }

    private async ValueTask<int> ReadLineAsync(List<string> words, GuestStreams streams, CancellationToken cancellationToken)
    {
        var names = words.Skip(1).Where(word => word != "-r").DefaultIfEmpty("REPLY").ToList();
        var line = new List<byte>();
        byte[] one = new byte[1];
        bool isEnd;
        while (!(isEnd = await streams.Input(one, cancellationToken).ConfigureAwait(false) == 0) && one[0] != '\n')
            line.Add(one[0]);
        string[] fields = Encoding.UTF8.GetString([.. line]).Split([' ', '\t'], names.Count, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        for (int i = 0; i < names.Count; i++)
            _variables[names[i]] = i < fields.Length ? fields[i] : "";
        return isEnd && line.Count == 0 ? 1 : 0;
    }
}
