using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Streams;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Screens, spoken to in RFB 3.8 (RFC 6143) without a password.</summary>
internal sealed class GraphicsService(SimulationClient client) : IGraphicsConsole
{
    public Task<GraphicsSession> OpenAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return client.World.Calls.EnterAsync(client, "open-screen", id.ToString(), null, () => Task.FromResult<GraphicsSession>(new Session(client.World, Require(id))));
    }

    public Task<NativeDocument> CaptureAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return client.World.Calls.EnterAsync(client, "capture-screen", id.ToString(), null, () => Task.FromResult(new NativeDocument("image/png", GuestScreen.ToPng(Require(id)))));
    }

    private SimGuest Require(InstanceId id)
    {
        var instance = client.World.RequireMachine(id, "has no screen");
        return instance.IsUp ? client.World.GuestOf(instance) : throw client.World.Error(ErrorCode.InvalidState, RequestOutcome.Rejected, $"'{instance.Name}' is {instance.State} and shows nothing.", instance.Text);
    }

    /// <summary>The server's side of the protocol, as far as a viewer needs it: the raw encoding, 32 bits a point, in the viewer's own order of colours.</summary>
    private sealed class Session : GraphicsSession
    {
        private const int MaxUnreadBytes = 4 << 20;
        private const int MaxMessageBytes = 64 << 10;

        private readonly SimGuest _guest;
        private readonly LoopPipeReader _input;
        private readonly LoopPipeWriter _output;
        private readonly List<byte> _received = [];
        private int _stage;
        private int _redShift = 16;
        private int _greenShift = 8;
        private int _blueShift;
        private bool _isBigEndian;

        public Session(World world, SimGuest guest)
        {
            _guest = guest;
            _input = new LoopPipeReader(world, MaxUnreadBytes, () => false);
            _output = new LoopPipeWriter(world, Receive, () => _input.End());
            _input.Append("RFB 003.008\n"u8);
        }

        public override string Protocol => "vnc";

        public override Secret? Password => null;

        public override PipeReader Input => _input;

        public override PipeWriter Output => _output;

        public override ValueTask DisposeAsync()
        {
            _input.End();
            return ValueTask.CompletedTask;
        }

        private void Receive(ReadOnlyMemory<byte> bytes)
        {
            _received.AddRange(bytes.Span);
            while (_received.Count > 0 && TakeMessage() is { } count)
            {
                if (count == 0)
                    return;
                _received.RemoveRange(0, count);
            }

            if (_received.Count > MaxMessageBytes)
                Refuse();
        }

        /// <returns>How long the message was that has been dealt with; 0 when the session has ended; null when more is needed.</returns>
        private int? TakeMessage()
        {
            switch (_stage)
            {
                case 0 when _received.Count >= 12:
                    _stage = 1;
                    // One security type: none.
                    _input.Append([1, 1]);
                    return 12;
                case 1:
                    if (_received[0] != 1)
                        return Refuse();
                    _stage = 2;
                    _input.Append([0, 0, 0, 0]);
                    return 1;
                case 2:
                    _stage = 3;
                    SendInit();
                    return 1;
                case 3:
                    return TakeClientMessage();
                default:
                    return null;
            }
        }

        private int? TakeClientMessage()
        {
            int? length = _received[0] switch
            {
                0 => 20,
                2 => _received.Count >= 4 ? 4 + (4 * ((_received[2] << 8) | _received[3])) : null,
                3 => 10,
                4 => 8,
                5 => 6,
                6 => _received.Count >= 8 ? 8 + BinaryPrimitives.ReadInt32BigEndian(_received.GetRange(4, 4).ToArray()) : null,
                _ => -1,
            };
            if (length is < 0 or > MaxMessageBytes)
                return Refuse();
            if (length is null || _received.Count < length)
                return null;
            if (_received[0] == 0)
            {
                if (_received[4] != 32)
                    return Refuse();
                (_isBigEndian, _redShift, _greenShift, _blueShift) = (_received[6] != 0, _received[14] & 31, _received[15] & 31, _received[16] & 31);
            }
            else if (_received[0] == 3 && _received[1] == 0)
                SendPicture();
            return length;
        }

        private int Refuse()
        {
            _received.Clear();
            _stage = 4;
            _input.End();
            return 0;
        }

        private void SendInit()
        {
            byte[] name = Encoding.UTF8.GetBytes(_guest.Instance.Name);
            byte[] init = new byte[24 + name.Length];
            BinaryPrimitives.WriteUInt16BigEndian(init, GuestScreen.Width);
            BinaryPrimitives.WriteUInt16BigEndian(init.AsSpan(2), GuestScreen.Height);
            (init[4], init[5], init[7]) = (32, 24, 1);
            (init[9], init[11], init[13]) = (255, 255, 255);
            (init[14], init[15], init[16]) = (16, 8, 0);
            BinaryPrimitives.WriteInt32BigEndian(init.AsSpan(20), name.Length);
            name.CopyTo(init, 24);
            _input.Append(init);
        }

        private void SendPicture()
        {
            byte[] update = new byte[16 + (GuestScreen.Width * GuestScreen.Height * 4)];
            update[3] = 1;
            BinaryPrimitives.WriteUInt16BigEndian(update.AsSpan(8), GuestScreen.Width);
            BinaryPrimitives.WriteUInt16BigEndian(update.AsSpan(10), GuestScreen.Height);
            for (int y = 0, at = 16; y < GuestScreen.Height; y++)
            {
                for (int x = 0; x < GuestScreen.Width; x++, at += 4)
                {
                    int color = GuestScreen.ColorAt(_guest, x, y);
                    uint point = ((uint)(color >> 16) & 255) << _redShift | ((uint)(color >> 8) & 255) << _greenShift | ((uint)color & 255) << _blueShift;
                    if (_isBigEndian)
                        BinaryPrimitives.WriteUInt32BigEndian(update.AsSpan(at), point);
                    else
                        BinaryPrimitives.WriteUInt32LittleEndian(update.AsSpan(at), point);
                }
            }

            _input.Append(update);
        }
    }
}
