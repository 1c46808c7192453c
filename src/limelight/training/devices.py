"""Check that the machine has the devices that training settings name."""

from __future__ import annotations

from limelight.errors import ParameterError
from limelight.training.settings import TrainingSettings


def require_device(settings: TrainingSettings) -> None:
    """Check that there are GPUs for device, devices, strategy and precision; ParameterError otherwise."""
    usual = settings.device != "gpu" and settings.devices == 1 and settings.strategy != "ddp_nccl"
    if usual and settings.precision != "float16":
        return
    import torch  # takes a second, and the usual settings suit every machine

    has_gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    if settings.device == "gpu" and not has_gpu:
        raise ParameterError("expected a GPU for device='gpu', got a machine without one; use 'auto' or 'cpu'")
    on_gpu, gpus = has_gpu and settings.device != "cpu", torch.cuda.device_count()
    if on_gpu and gpus < settings.devices > 1:
        raise ParameterError(f"expected {settings.devices} GPUs, got {gpus}; lower devices, or train on device='cpu'")
    if not on_gpu and settings.precision == "float16":
        raise ParameterError("expected a GPU for precision='float16', got none in use; use 'bfloat16' or 'float32'")
    if not on_gpu and settings.strategy == "ddp_nccl":
        raise ParameterError("expected GPUs for strategy='ddp_nccl', got none in use; use 'ddp' or 'ddp_gloo'")
