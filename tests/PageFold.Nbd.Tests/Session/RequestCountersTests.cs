using System.Diagnostics;
using PageFold.Nbd.Protocol;
using PageFold.Nbd.Session;

namespace PageFold.Nbd.Tests.Session;

/// <summary>The figures of one look add up while connections go on counting.</summary>
public class RequestCountersTests
{
    [Fact]
    public void Requests_are_the_errors_and_the_bytes_of_the_others_in_every_look()
    {
        const int Writers = 4;
        const int Each = 1_000_000;
        RequestCounters counters = new();
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(number => Content.OnItsOwnThread(() =>
        {
            counters.Connect();
            for (int i = 0; i < Each; i++)
                counters.Count(NbdCommand.Write, 4096, i % 3 == 0 ? NbdError.NoSpace : NbdError.None, Stopwatch.GetTimestamp());
            counters.Disconnect();
        }))];
        Task all = Task.WhenAll(writers);
        long seen = 0;
        while (!all.IsCompleted)
        {
            CommandActivity look = counters.Read(NbdCommand.Write);
            Assert.Equal((look.Requests - look.Errors) * 4096, look.Bytes);
            Assert.InRange(look.Requests, seen, Writers * Each);
            Assert.True(look.MedianTime <= look.P99Time);
            Assert.InRange(counters.Connections, 0, Writers);
            seen = look.Requests;
        }
        all.GetAwaiter().GetResult();
        Assert.Equal(Writers * Each, counters.Read(NbdCommand.Write).Requests);
        Assert.Equal(0, counters.Connections);
    }
}
