using System.Buffers;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>Valid answers cut anywhere, and broken ones made of them: nothing but an answer or the right kind of error.</summary>
public sealed class HttpFramingTests
{
    private const int Seed = 9112;

    private static readonly TimeSpan s_fuzzTime = TimeSpan.FromSeconds(4);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Valid_answers_are_the_same_at_every_split()
    {
        var random = new Random(Seed);
        for (int i = 0; i < 25; i++)
        {
            (byte[] answer, string expected) = ValidAnswer(random);
            for (int split = 1; split < answer.Length; split++)
                Assert.Equal(expected, await AskAsync([answer[..split], answer[split..]]));
            Assert.Equal(expected, await AskAsync([.. answer.Select(b => new[] { b })]));
            Assert.Equal(expected, await AskAsync([answer]));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_truncated_answer_is_never_a_whole_one()
    {
        byte[] answer = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n3\r\nyou\r\n0\r\nA: b\r\n\r\n");
        for (int length = 0; length < answer.Length; length++)
        {
            var error = await Assert.ThrowsAsync<HttpException>(() => AskAsync([answer[..length]]));
            Assert.Equal(HttpFailure.ConnectionLost, error.Failure);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Mutated_answers_are_answers_or_the_right_error()
    {
        byte[][] corpus = Corpus("Http");
        var random = new Random(Seed);
        long start = TimeProvider.System.GetTimestamp();
        int answers = 0;
        int refusals = 0;
        for (int i = 0; i < 20_000 && TimeProvider.System.GetElapsedTime(start) < s_fuzzTime; i++)
        {
            byte[] answer = Mutate(random, corpus);
            byte[][] pieces = Cut(random, answer);
            bool decompress = random.Next(4) == 0;
            try
            {
                await AskAsync(pieces, decompress).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
                answers++;
            }
            catch (HttpException)
            {
                refusals++;
            }
            catch (Exception error)
            {
                Assert.Fail($"Seed {Seed}, iteration {i}, answer {Convert.ToHexString(answer)}: {error}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}: {answers} answers, {refusals} refused");
        Assert.True(answers > 0 && refusals > 0);
    }

    [Fact(Timeout = 120_000)]
    public async Task Mutated_frames_are_messages_or_the_right_error()
    {
        byte[][] corpus = Corpus("WebSockets");
        var random = new Random(Seed);
        long start = TimeProvider.System.GetTimestamp();
        int messages = 0;
        int refusals = 0;
        for (int i = 0; i < 20_000 && TimeProvider.System.GetElapsedTime(start) < s_fuzzTime; i++)
        {
            byte[] frames = Mutate(random, corpus);
            try
            {
                messages += await ReceiveAllAsync(Cut(random, frames)).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
            }
            catch (Exception error) when (error is WebSocketProtocolException or ConnectionClosedException)
            {
                refusals++;
            }
            catch (Exception error)
            {
                Assert.Fail($"Seed {Seed}, iteration {i}, frames {Convert.ToHexString(frames)}: {error}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}: {messages} messages, {refusals} refused");
        Assert.True(messages > 0 && refusals > 0);
    }

    private static async Task<string> AskAsync(IReadOnlyList<byte[]> pieces, bool decompress = false)
    {
        HttpEndpoint endpoint = HttpEndpoint.Over("script", _ => Task.FromResult(Connection.FromStream(new ScriptedStream(pieces), "script")));
        await using var pool = new HttpConnectionPool(endpoint, new HttpPoolOptions { Decompress = decompress, MaxBodyBytes = 1_000_000 });
        await using HttpResponse response = await pool.SendAsync(Http.Get, Cancel);
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{response.Status}|");
        for (int i = 0; i < response.HeaderCount; i++)
        {
            response.GetHeader(i, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value);
            text.Append(CultureInfo.InvariantCulture, $"{Encoding.Latin1.GetString(name)}={Encoding.Latin1.GetString(value)}|");
        }

        return text.Append(Encoding.Latin1.GetString((await response.ReadSequenceAsync(Cancel)).ToArray())).ToString();
    }

    private static async Task<int> ReceiveAllAsync(IReadOnlyList<byte[]> pieces)
    {
        Connection connection = Connection.FromStream(new ScriptedStream(pieces), "script");
        await connection.Output.WriteAsync("go"u8.ToArray(), Cancel);
        await using WebSocketConnection socket = WebSocketConnection.FromConnection(connection, new WebSocketOptions { MaxFrameBytes = 100_000, MaxMessageBytes = 200_000 });
        int messages = 0;
        while ((await socket.ReceiveAsync(Cancel)).Kind != WebSocketMessageKind.Close)
            messages++;
        return messages + 1;
    }

    private static byte[][] Corpus(string part) =>
        [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, part, "corpus"), "*.bin").Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    /// <summary>One to four small changes: what a broken server, or a cunning one, would make of a good answer.</summary>
    private static byte[] Mutate(Random random, byte[][] corpus)
    {
        List<byte> bytes = [.. corpus[random.Next(corpus.Length)]];
        byte[] nasty = [0, (byte)'\r', (byte)'\n', (byte)' ', (byte)':', (byte)';', (byte)'-', (byte)'0', (byte)'9', (byte)'f', 0x7F, 0x80, 0xFF];
        for (int changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.Insert(at, nasty[random.Next(nasty.Length)]);
                    break;
                case 3:
                    bytes.RemoveAt(at);
                    break;
                case 4:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 20)));
                    break;
                case 5:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(1, 40))));
                    break;
                default:
                    byte[] other = corpus[random.Next(corpus.Length)];
                    bytes.InsertRange(at, other.Skip(random.Next(other.Length)).Take(random.Next(1, 100)));
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[][] Cut(Random random, byte[] bytes)
    {
        var pieces = new List<byte[]>();
        for (int at = 0; at < bytes.Length;)
        {
            int count = random.Next(4) == 0 ? bytes.Length - at : random.Next(1, Math.Min(bytes.Length - at, 50) + 1);
            pieces.Add(bytes[at..(at + count)]);
            at += count;
        }

        return [.. pieces];
    }

    /// <summary>An answer that RFC 9112 allows, in a form chosen at random, and what it means.</summary>
    private static (byte[] Answer, string Expected) ValidAnswer(Random random)
    {
        string body = new([.. Enumerable.Range(0, random.Next(60)).Select(_ => (char)random.Next(256))]);
        int status = random.Next(200, 600);
        status = status is 204 or 304 ? 200 : status;
        var head = new StringBuilder();
        var expected = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{status}|");
        for (int interim = random.Next(3); interim > 0; interim--)
            head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {random.Next(102, 200)} Wait\r\nX: y\r\n\r\n");
        int kind = random.Next(3);
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status}{(random.Next(3) == 0 ? "" : " Some reason")}\r\n");
        for (int headers = random.Next(4); headers > 0; headers--)
            Add($"x-{random.Next(100)}", new string('v', random.Next(10)));
        string framed = body;
        if (kind == 0)
        {
            Add(random.Next(2) == 0 ? "Content-Length" : "content-LENGTH", body.Length.ToString(random.Next(2) == 0 ? "D" : "D5", CultureInfo.InvariantCulture));
        }
        else if (kind == 1)
        {
            Add("Transfer-Encoding", random.Next(2) == 0 ? "chunked" : "Chunked");
            framed = Chunk(random, body);
        }

        return (Encoding.Latin1.GetBytes(head.Append("\r\n").Append(framed).ToString()), expected.Append(body).ToString());

        void Add(string name, string value)
        {
            string space = random.Next(3) switch { 0 => "", 1 => " ", _ => " \t " };
            head.Append(CultureInfo.InvariantCulture, $"{name}:{space}{value}{(random.Next(2) == 0 ? " " : "")}\r\n");
            expected.Append(CultureInfo.InvariantCulture, $"{name}={value}|");
        }
    }

    private static string Chunk(Random random, string body)
    {
        var text = new StringBuilder();
        for (int at = 0; at < body.Length;)
        {
            int count = random.Next(1, body.Length - at + 1);
            string size = count.ToString(random.Next(3) switch { 0 => "x", 1 => "X", _ => "x4" }, CultureInfo.InvariantCulture);
            string extension = random.Next(3) switch { 0 => ";a=\"b\"", 1 => " ;c", _ => "" };
            text.Append(CultureInfo.InvariantCulture, $"{size}{extension}\r\n{body.AsSpan(at, count)}\r\n");
            at += count;
        }

        return text.Append(random.Next(2) == 0 ? "0\r\n\r\n" : "000;last\r\nTrailer-One: 1\r\nTrailer-Two:\r\n\r\n").ToString();
    }
}
