using System.Runtime.Versioning;
using PageFold.Cli.Data;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Bench.Store;

/// <summary>The kernel's zram, through a device made for the comparison, with one system call for each page.</summary>
[SupportedOSPlatform("linux")]
internal sealed class ZramSubject(PageImage image, string algorithm) : Subject(Zram, algorithm)
{
    private readonly ZramDevice _device = ZramDevice.Create(algorithm, (long)image.Count * image.PageSize);

    public override (long Compressed, long Total) Memory => _device.Memory;

    public override SubjectWorker CreateWorker() => new Worker(image, _device);

    protected override void Dispose(bool disposing)
    {
        _device.Dispose();
        base.Dispose(disposing);
    }

    private sealed class Worker(PageImage image, ZramDevice device) : SubjectWorker
    {
        private readonly NativeBytes _page = new(image.PageSize, image.PageSize);

        public override ReadOnlySpan<byte> LastRead => _page.Slice(0, image.PageSize);

        public override void Write(ReadOnlySpan<int> places, ReadOnlySpan<int> contents)
        {
            for (int i = 0; i < places.Length; i++)
                device.Write(image[contents[i]], (long)places[i] * image.PageSize);
        }

        public override void Read(ReadOnlySpan<int> places, ReadOnlySpan<int> contents)
        {
            foreach (int place in places)
                device.Read(_page.Slice(0, image.PageSize), (long)place * image.PageSize);
        }

        protected override void Dispose(bool disposing)
        {
            _page.Dispose();
            base.Dispose(disposing);
        }
    }
}
