using PageFold.Nbd.Session;

namespace PageFold.Nbd.Tests.Session;

/// <summary>Many replies through a small queue: the loop that waits for room is woken each time.</summary>
public class ReplyQueueTests
{
    [Fact]
    public void A_small_queue_that_is_always_congested_comes_to_its_end()
    {
        int rounds = Rounds.Of(450);
        using Serving serving = new([new NbdExport { Disk = TestDisk.Make() }], maxReplyBytes: ReplyQueue.BlockBytes);
        using RawClient client = serving.Attach();
        byte[] content = Content.Of(1 << 20, 1);
        client.Write(0, content);
        for (int round = 0; round < rounds; round += 30)
        {
            ulong[] cookies = client.RequestMany(30, Command.Read, 0, 1 << 20);
            foreach (ulong cookie in cookies)
                Assert.True(client.TakeAnswer(cookie, Command.Read, 0, 1 << 20).Data.AsSpan().SequenceEqual(content),
                    $"a reply of round {round} differs");
        }
    }
}
