using System.CommandLine;
using System.Net.Sockets;
using PageFold.Nbd;

namespace PageFold.Cli.Serve;

internal static class ServeCommand
{
    public static Command Create()
    {
        Option<string> size = new("--size") { Required = true };
        Option<string?> limit = new("--memory-limit");
        Option<string?> unix = new("--unix");
        Option<string> codec = new("--codec") { DefaultValueFactory = _ => "lz4" };
        Option<string?> level = new("--level");
        Option<string> pageSize = new("--page-size") { DefaultValueFactory = _ => "4KiB" };
        Command command = new("serve", "Serve a compressed RAM disk over NBD.") { size, limit, unix, codec, level, pageSize };
        command.SetAction(async (parsed, cancellation) =>
        {
            using RamDisk disk = new(new RamDiskOptions
            {
                Length = Arguments.Bytes("--size", parsed.GetValue(size))!.Value,
                Store = new PageStoreOptions
                {
                    MemoryLimit = Arguments.Bytes("--memory-limit", parsed.GetValue(limit)),
                    Codec = Arguments.Codec(parsed.GetValue(codec)!, parsed.GetValue(level), out _),
                    PageSize = Arguments.PageSize(parsed.GetValue(pageSize)!),
                },
            });
            await using NbdServer server = new(new NbdServerOptions
            {
                Exports = [new NbdExport { Disk = disk }],
                EndPoints = [new UnixDomainSocketEndPoint(parsed.GetValue(unix)!)],
                Log = Console.Error.WriteLine,
            });
            server.Start();
            await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
            await server.StopAsync(TimeSpan.FromSeconds(5));
            return 0;
        });
        return command;
    }
}
